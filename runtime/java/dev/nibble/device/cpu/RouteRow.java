package dev.nibble.device.cpu;

import dev.nibble.device.Gating;
import dev.nibble.device.Operation;
import java.lang.foreign.ValueLayout;

/** {@link Operation.Route}. The logits of a row are few; each is handled on its own, the exponentials in float64. */
final class RouteRow implements RowWork {
    private final Gating gating;
    private final CpuBuffer logits;
    private final CpuBuffer ids;
    private final CpuBuffer weights;
    private final float[][] scratch;

    /** @param threads the threads that may run it */
    RouteRow(Operation.Route operation, int threads) {
        this.gating = operation.gating();
        this.logits = (CpuBuffer) operation.logits();
        this.ids = (CpuBuffer) operation.ids();
        this.weights = (CpuBuffer) operation.weights();
        this.scratch = new float[threads][logits.width()];
    }

    @Override
    public int width() {
        return logits.width();
    }

    @Override
    public double cost() {
        return 20;
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        float[] left = scratch[thread];
        for (int expert = 0; expert < left.length; expert++) {
            left[expert] = Rows.get(logits.segment(), row * logits.rowBytes() + expert * 4L);
        }
        float largest = left[largest(left)];
        double all = sumOfExponentials(left, largest);
        double chosen = 0;
        for (int i = 0; i < gating.used(); i++) {
            int expert = largest(left);
            float probability = probability(left[expert], largest, all);
            left[expert] = Float.NEGATIVE_INFINITY;
            ids.segment().set(ValueLayout.JAVA_INT, row * ids.rowBytes() + i * 4L, expert);
            Rows.set(weights.segment(), row * weights.rowBytes() + i * 4L, probability);
            chosen += probability;
        }
        float factor = gating.normalize() ? (float) (gating.scale() / chosen) : gating.scale();
        for (int i = 0; i < gating.used(); i++) {
            long at = row * weights.rowBytes() + i * 4L;
            Rows.set(weights.segment(), at, Rows.get(weights.segment(), at) * factor);
        }
    }

    private static double sumOfExponentials(float[] logits, float largest) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        return sum;
    }

    private float probability(float logit, float largest, double all) {
        return switch (gating.function()) {
            case SOFTMAX -> (float) (Math.exp(logit - largest) / all);
            case SIGMOID -> (float) (1 / (1 + Math.exp(-logit)));
        };
    }

    private static int largest(float[] values) {
        int place = 0;
        for (int i = 1; i < values.length; i++) {
            if (values[i] > values[place]) {
                place = i;
            }
        }
        return place;
    }
}
