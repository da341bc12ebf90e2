package dev.nibble.quant;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** How much the squared error of each value of a row matters, brought to a mean of 1. */
final class ErrorWeights {
    /** What a value of no importance weighs: enough that a block of nothing else is still encoded well. */
    private static final float LEAST = 1e-6f;

    private final float @Nullable [] importance;
    private final double mean;

    /**
     * Weights from the importance of each column.
     *
     * @param importance of a row's values; null: all the same
     * @param count values, whole rows
     * @throws IllegalArgumentException if the rows are not whole, or if an importance is negative, infinite or NaN
     */
    ErrorWeights(float @Nullable [] importance, int count) {
        double sum = 0;
        if (importance != null) {
            if (count > 0 && (importance.length == 0 || count % importance.length != 0)) {
                throw new IllegalArgumentException(
                        count + " values are not whole rows of the " + importance.length + " that have an importance");
            }
            for (int i = 0; i < importance.length; i++) {
                if (!(importance[i] >= 0 && importance[i] < Float.POSITIVE_INFINITY)) {
                    throw new IllegalArgumentException("the importance of value " + i + " is " + importance[i]
                            + "; it must not be negative, infinite or NaN");
                }
                sum += importance[i];
            }
        }
        this.importance = sum == 0 ? null : importance;
        this.mean = importance == null ? 1 : sum / importance.length;
    }

    /** Copies the weights of {@code count} values, from that of number {@code first} on. */
    void copyTo(float[] weights, int first, int count) {
        if (importance == null) {
            Arrays.fill(weights, 0, count, 1f);
            return;
        }
        for (int i = 0; i < count; i++) {
            weights[i] = (float) (importance[(first + i) % importance.length] / mean) + LEAST;
        }
    }
}
