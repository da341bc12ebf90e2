package dev.nibble.device.reference;

import dev.nibble.device.Activation;
import dev.nibble.device.Operation.Gate;

/** The gate of a feed-forward layer. */
final class GateKernels {
    private GateKernels() {}

    static void gate(Gate gate, Rows rows) {
        float[] x = ReferenceBuffer.floats(gate.gate());
        float[] up = ReferenceBuffer.floats(gate.up());
        float[] out = ReferenceBuffer.floats(gate.out());
        for (int i = 0; i < rows.count() * gate.out().width(); i++) {
            out[i] = (float) (activate(gate.activation(), x[i]) * up[i]);
        }
    }

    private static double activate(Activation activation, double x) {
        return switch (activation) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
        };
    }
}
