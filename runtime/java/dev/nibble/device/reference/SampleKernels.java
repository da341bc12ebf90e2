package dev.nibble.device.reference;

import dev.nibble.device.Operation.ArgMax;

/** What the next token is chosen from. */
final class SampleKernels {
    private SampleKernels() {}

    static void argMax(ArgMax argMax, Rows rows) {
        float[] x = ReferenceBuffer.floats(argMax.x());
        int[] ids = ReferenceBuffer.ints(argMax.ids());
        int width = argMax.x().width();
        for (int row = 0; row < rows.count(); row++) {
            int best = 0;
            for (int i = 0; i < width; i++) {
                if (Float.isNaN(x[row * width + i])) {
                    throw rows.wrong(row, "value " + i + " of " + width + " is NaN");
                }
                if (x[row * width + i] > x[row * width + best]) {
                    best = i;
                }
            }
            ids[row] = best;
        }
    }
}
