package dev.nibble.device.reference;

import dev.nibble.device.Operation.Advance;
import dev.nibble.device.Operation.ArgMax;
import dev.nibble.device.Operation.TopK;
import java.util.Comparator;
import java.util.stream.IntStream;

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

    static void topK(TopK topK, Rows rows) {
        float[] x = ReferenceBuffer.floats(topK.x());
        int[] ids = ReferenceBuffer.ints(topK.ids());
        float[] values = ReferenceBuffer.floats(topK.values());
        int width = topK.x().width();
        int k = topK.ids().width();
        for (int row = 0; row < rows.count(); row++) {
            int from = row * width;
            // Adding zero makes -0 the same as 0. Java orders NaN above all else.
            int[] order = IntStream.range(0, width)
                    .boxed()
                    .sorted(Comparator.comparing((Integer i) -> x[from + i] + 0f)
                            .reversed()
                            .thenComparing(i -> i))
                    .mapToInt(i -> i)
                    .toArray();
            for (int i = 0; i < k; i++) {
                ids[row * k + i] = order[i];
                values[row * k + i] = x[from + order[i]];
            }
        }
    }

    static void advance(Advance advance, Rows rows) {
        int[] positions = ReferenceBuffer.ints(advance.positions());
        for (int row = 0; row < rows.count(); row++) {
            positions[row]++;
        }
        if (advance.chosen() != null && advance.ids() != null) {
            int[] chosen = ReferenceBuffer.ints(advance.chosen());
            System.arraycopy(chosen, 0, ReferenceBuffer.ints(advance.ids()), 0, rows.count());
        }
    }
}
