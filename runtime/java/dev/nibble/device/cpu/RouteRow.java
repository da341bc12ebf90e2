package dev.nibble.device.cpu;

import dev.nibble.device.Gating;
import dev.nibble.device.Operation;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** {@link Operation.Route}. The logits of a row are few; each is handled on its own, the exponentials in float64. */
final class RouteRow implements RowWork {
    private final Gating gating;
    private final CpuBuffer logits;
    private final CpuBuffer ids;
    private final CpuBuffer weights;
    private final @Nullable CpuBuffer bias;
    private final float[][] scratch;
    private final float[][] groups;

    /** @param threads the threads that may run it */
    RouteRow(Operation.Route operation, int threads) {
        this.gating = operation.gating();
        this.logits = (CpuBuffer) operation.logits();
        this.ids = (CpuBuffer) operation.ids();
        this.weights = (CpuBuffer) operation.weights();
        this.bias = (CpuBuffer) operation.bias();
        this.scratch = new float[threads][logits.width()];
        this.groups = new float[threads][gating.groups()];
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
        float largest = left[largest(left, 0, left.length)];
        double all = sumOfExponentials(left, largest);
        if (bias != null || gating.isGrouped()) {
            toScores(left, largest, all);
        }
        if (gating.isGrouped()) {
            leaveGroups(left, groups[thread]);
        }
        double chosen = Gating.LEAST_SUM;
        for (int i = 0; i < gating.used(); i++) {
            int expert = largest(left, 0, left.length);
            float logit = Rows.get(logits.segment(), row * logits.rowBytes() + expert * 4L);
            float probability = probability(logit, largest, all);
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

    /** Logits rank experts as probabilities do, unless these are added to. */
    private void toScores(float[] left, float largest, double all) {
        for (int expert = 0; expert < left.length; expert++) {
            float score = probability(left[expert], largest, all);
            left[expert] = bias == null ? score : score + Rows.get(bias.segment(), expert * 4L);
        }
    }

    /** Takes the experts out whose groups are not among the best. */
    private void leaveGroups(float[] left, float[] scores) {
        int size = left.length / gating.groups();
        for (int group = 0; group < scores.length; group++) {
            scores[group] = groupScore(left, group * size, (group + 1) * size);
        }
        for (int out = gating.groups(); out > gating.groupsUsed(); out--) {
            int group = least(scores);
            scores[group] = Float.POSITIVE_INFINITY;
            Arrays.fill(left, group * size, (group + 1) * size, Float.NEGATIVE_INFINITY);
        }
    }

    /** The sum of the best scores of some experts. */
    private float groupScore(float[] scores, int begin, int end) {
        float[] best = new float[gating.groupBest()];
        Arrays.fill(best, Float.NEGATIVE_INFINITY);
        for (int expert = begin; expert < end; expert++) {
            float score = scores[expert];
            for (int i = 0; i < best.length; i++) {
                float other = best[i];
                best[i] = Math.max(other, score);
                score = Math.min(other, score);
            }
        }
        float sum = 0;
        for (float score : best) {
            sum += score;
        }
        return sum;
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

    private static int largest(float[] values, int begin, int end) {
        int place = begin;
        for (int i = begin + 1; i < end; i++) {
            if (values[i] > values[place]) {
                place = i;
            }
        }
        return place;
    }

    /** The last of the least: of equal groups the first takes part. */
    private static int least(float[] values) {
        int place = 0;
        for (int i = 1; i < values.length; i++) {
            if (values[i] <= values[place]) {
                place = i;
            }
        }
        return place;
    }
}
