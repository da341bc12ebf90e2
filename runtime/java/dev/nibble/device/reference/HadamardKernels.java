package dev.nibble.device.reference;

import dev.nibble.device.Operation.Hadamard;

/** The fast Walsh–Hadamard transform. */
final class HadamardKernels {
    private HadamardKernels() {}

    static void hadamard(Hadamard hadamard, Rows rows) {
        float[] x = ReferenceBuffer.floats(hadamard.x());
        int end = rows.count() * hadamard.x().width();
        for (int group = 0; group < end; group += hadamard.size()) {
            for (int h = hadamard.size() / 2; h >= 1; h /= 2) {
                for (int i = 0; i < hadamard.size(); i++) {
                    if ((i & h) == 0) {
                        float a = x[group + i];
                        float b = x[group + i + h];
                        x[group + i] = a + b;
                        x[group + i + h] = a - b;
                    }
                }
            }
            for (int i = group; i < group + hadamard.size(); i++) {
                x[i] *= hadamard.factor();
            }
        }
    }
}
