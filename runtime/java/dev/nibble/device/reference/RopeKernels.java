package dev.nibble.device.reference;

import dev.nibble.device.Operation.Rope;
import dev.nibble.device.RopeStyle;

/** Rotary position embedding. */
final class RopeKernels {
    private RopeKernels() {}

    static void rope(Rope rope, Rows rows) {
        float[] x = ReferenceBuffer.floats(rope.x());
        float[] frequencies = ReferenceBuffer.floats(rope.frequencies());
        int width = rope.x().width();
        for (int row = 0; row < rows.count(); row++) {
            int position = rows.position(row, rope.positions());
            for (int pair = 0; pair < frequencies.length; pair++) {
                double angle = position * (double) frequencies[pair];
                double cosine = Math.cos(angle) * rope.magnitude();
                double sine = Math.sin(angle) * rope.magnitude();
                int first = rope.style() == RopeStyle.INTERLEAVED ? 2 * pair : pair;
                int second = rope.style() == RopeStyle.INTERLEAVED ? 2 * pair + 1 : pair + frequencies.length;
                for (int head = row * width; head < (row + 1) * width; head += rope.headSize()) {
                    float a = x[head + first];
                    float b = x[head + second];
                    x[head + first] = (float) (a * cosine - b * sine);
                    x[head + second] = (float) (a * sine + b * cosine);
                }
            }
        }
    }
}
