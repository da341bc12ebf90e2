package dev.nibble.device.kernel;

import dev.nibble.device.Activation;
import dev.nibble.device.Gating;
import dev.nibble.device.Operation;
import org.jspecify.annotations.Nullable;

/** The launches of a feed-forward layer between its products: {@code rows}. */
final class FeedForwardLaunches {
    private final SharedKernels kernels;
    private final RowShape shape;

    FeedForwardLaunches(SharedKernels kernels) {
        this.kernels = kernels;
        this.shape = kernels.shape();
    }

    /** @param quantized what the result is quantized to in the same launch, or none */
    void gate(Operation.Gate gate, Operation.@Nullable Quantize quantized) {
        int width = gate.out().width();
        LaunchBuilder kernel = kernels.rows(quantized == null ? "gate" : "gate_quantize")
                .buffer(gate.rows().live())
                .integer(gate.activation() == Activation.GELU ? 1 : 0)
                .buffer(gate.gate())
                .buffer(gate.up())
                .buffer(gate.out());
        if (quantized != null) {
            kernel.quantized(quantized.out());
        }
        kernel.integer(width).groups(shape.groups(width), gate.rows().limit(), shape.lanes());
    }

    void route(Operation.Route route) {
        Gating gating = route.gating();
        int experts = route.logits().width();
        kernels.rows("route")
                .buffer(route.rows().live())
                .integer(gating.function() == Gating.Function.SIGMOID ? 1 : 0)
                .integer(gating.normalize() ? 1 : 0)
                .real(gating.scale())
                .buffer(route.logits())
                .integer(experts)
                .buffer(route.bias())
                .integer(gating.groups())
                .integer(gating.groupsUsed())
                .integer(gating.groupBest())
                .buffer(route.ids())
                .buffer(route.weights())
                .integer(gating.used())
                .sharedMemory((long) (experts + gating.groups()) * Float.BYTES)
                .groups(route.rows().limit(), shape.lanes());
    }

    void combine(Operation.Combine combine) {
        int width = combine.out().width();
        kernels.rows("combine")
                .buffer(combine.rows().live())
                .buffer(combine.x())
                .buffer(combine.weights())
                .integer(combine.weights().width())
                .buffer(combine.shared())
                .buffer(combine.gate())
                .buffer(combine.out())
                .integer(width)
                .groups(shape.groups(width), combine.rows().limit(), shape.lanes());
    }
}
