package dev.nibble.quant;

import java.util.Arrays;

/**
 * Values in groups of one scale each, with the weights of their squared errors, side by side: row i holds value i of every
 * group. Loops over the groups then take one step for a whole vector register, which sums over the values of one group do not.
 */
final class GroupedValues {
    private final float[][] values; // (length, groups)
    private final float[][] weights; // (length, groups)

    /**
     * Groups of consecutive values.
     *
     * @param values groups × length values
     * @param weights the weight of each
     * @param length values of a group
     */
    GroupedValues(float[] values, float[] weights, int groups, int length) {
        this.values = transposed(values, groups, length);
        this.weights = transposed(weights, groups, length);
    }

    private static float[][] transposed(float[] values, int groups, int length) {
        float[][] rows = new float[length][groups];
        for (int i = 0; i < length; i++) {
            float[] row = rows[i];
            for (int group = 0; group < groups; group++) {
                row[group] = values[group * length + i];
            }
        }
        return rows;
    }

    /** The number of groups. */
    int groups() {
        return values[0].length;
    }

    /** The values of a group. */
    int length() {
        return values.length;
    }

    /** Value {@code i} of each group. */
    float[] values(int i) {
        return values[i];
    }

    /** The weight of value {@code i} of each group. */
    float[] weights(int i) {
        return weights[i];
    }

    /** The smallest value of each group; NaN if one of them is. */
    float[] least() {
        float[] least = values[0].clone();
        for (float[] row : values) {
            for (int group = 0; group < least.length; group++) {
                least[group] = Math.min(least[group], row[group]);
            }
        }
        return least;
    }

    /** The largest value of each group; NaN if one of them is. */
    float[] greatest() {
        float[] greatest = values[0].clone();
        for (float[] row : values) {
            for (int group = 0; group < greatest.length; group++) {
                greatest[group] = Math.max(greatest[group], row[group]);
            }
        }
        return greatest;
    }

    /** The value of largest magnitude of each group, with its sign; NaN if one of them is. */
    float[] farthestFromZero() {
        float[] least = least();
        float[] farthest = greatest();
        for (int group = 0; group < farthest.length; group++) {
            if (-least[group] > farthest[group]) {
                farthest[group] = least[group];
            }
        }
        return farthest;
    }

    /** Takes {@code base} of each group from its values. */
    void subtract(float[] base) {
        for (float[] row : values) {
            for (int group = 0; group < base.length; group++) {
                row[group] -= base[group];
            }
        }
    }

    /** Σ weight, and Σ weight · value, of each group. */
    void total(float[] weightSums, float[] valueSums) {
        Arrays.fill(weightSums, 0);
        Arrays.fill(valueSums, 0);
        for (int i = 0; i < values.length; i++) {
            total(values[i], weights[i], weightSums, valueSums);
        }
    }

    private static void total(float[] values, float[] weights, float[] weightSums, float[] valueSums) {
        for (int group = 0; group < values.length; group++) {
            weightSums[group] += weights[group];
            valueSums[group] += weights[group] * values[group];
        }
    }
}
