package dev.nibble.device;

import java.util.Arrays;

/** What a KV cache keeps of a head's values, by the formula of its type. */
final class StoredValues {
    private StoredValues() {}

    /** What is read back. */
    static double[] of(double[] x, KvType type) {
        return switch (type) {
            case F32 -> x.clone();
            case F16 ->
                Arrays.stream(x)
                        .map(v -> Float.float16ToFloat(Float.floatToFloat16((float) v)))
                        .toArray();
            case Q8_0, Q4_0 -> {
                double[] y = new double[x.length];
                for (int block = 0; block < x.length; block += 32) {
                    double[] part = inBlock(Arrays.copyOfRange(x, block, block + 32), type == KvType.Q8_0);
                    System.arraycopy(part, 0, y, block, 32);
                }
                yield y;
            }
        };
    }

    /** The values that a block of 32 integers of 8 or 4 bits stands for. */
    private static double[] inBlock(double[] x, boolean bytes) {
        float least = (float) Arrays.stream(x).min().orElseThrow();
        float most = (float) Arrays.stream(x).max().orElseThrow();
        float farthest = -least > most ? least : most;
        if (Math.abs(farthest) < KvType.LEAST_MAGNITUDE) {
            return new double[x.length];
        }
        if (bytes) {
            return inSteps(x, bfloat16(Math.abs(farthest) / 127), 128, 127);
        }
        double[] best = inSteps(x, bfloat16(farthest / -8), 8, 8);
        for (float span : KvType.spans()) {
            double[] other = inSteps(x, bfloat16(farthest / -span), 8, 8);
            best = error(x, other) < error(x, best) ? other : best;
        }
        return best;
    }

    private static float error(double[] x, double[] y) {
        float sum = 0;
        for (int i = 0; i < x.length; i++) {
            float error = (float) (x[i] - y[i]);
            sum += error * error;
        }
        return sum;
    }

    private static double[] inSteps(double[] x, float step, float middle, int lowest) {
        return Arrays.stream(x)
                .map(v -> Math.floor((float) v * (1 / step) + (middle + 0.5f)) - middle)
                .map(q -> Math.clamp(q, -lowest, middle - 1) * step)
                .toArray();
    }

    /** Eight significant bits. */
    private static float bfloat16(float x) {
        float step = Math.scalb(1f, Math.getExponent(x) - 7);
        return (float) Math.rint(x / step) * step;
    }
}
