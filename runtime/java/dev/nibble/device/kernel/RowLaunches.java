package dev.nibble.device.kernel;

import dev.nibble.device.NormKind;
import dev.nibble.device.Operation;
import org.jspecify.annotations.Nullable;

/** The launches of operations on each row by itself: {@code rows}. */
final class RowLaunches {
    private final SharedKernels kernels;
    private final RowShape shape;

    RowLaunches(SharedKernels kernels) {
        this.kernels = kernels;
        this.shape = kernels.shape();
    }

    /** @param quantized what the result is quantized to in the same launch, or none */
    void norm(Operation.Norm norm, Operation.@Nullable Quantize quantized) {
        int groups = norm.x().width() / norm.weight().width();
        kernels.rows("norm_groups")
                .buffer(norm.rows().live())
                .buffer(null)
                .buffer(norm.x())
                .buffer(norm.weight())
                .buffer(norm.bias())
                .buffer(norm.out())
                .quantized(quantized == null ? null : quantized.out())
                .integer(norm.weight().width())
                .integer(groups)
                .integer(norm.kind() == NormKind.LAYER ? 1 : 0)
                .real(norm.epsilon())
                .groups((long) norm.rows().limit() * groups, shape.lanes());
    }

    /** @param quantized as of {@link #norm} */
    void addNorm(Operation.AddNorm norm, Operation.@Nullable Quantize quantized) {
        kernels.rows("norm_groups")
                .buffer(norm.rows().live())
                .buffer(norm.delta())
                .buffer(norm.residual())
                .buffer(norm.weight())
                .buffer(norm.bias())
                .buffer(norm.out())
                .quantized(quantized == null ? null : quantized.out())
                .integer(norm.weight().width())
                .integer(1)
                .integer(norm.kind() == NormKind.LAYER ? 1 : 0)
                .real(norm.epsilon())
                .groups(norm.rows().limit(), shape.lanes());
    }

    void quantize(Operation.Quantize quantize) {
        int width = quantize.x().width();
        kernels.rows("quantize")
                .buffer(quantize.rows().live())
                .buffer(quantize.x())
                .quantized(quantize.out())
                .integer(width)
                .groups(shape.quantizeGroups(width), quantize.rows().limit(), shape.lanes());
    }

    void gather(Operation.Gather gather) {
        kernels.rows("gather")
                .buffer(gather.rows().live())
                .buffer(gather.source())
                .buffer(gather.indices())
                .buffer(gather.out())
                .integer(gather.source().rows())
                .integer(gather.out().width())
                .groups(gather.rows().limit(), shape.lanes());
    }

    /** @param advance what follows in the same launch, or none */
    void argMax(Operation.ArgMax argMax, Operation.@Nullable Advance advance) {
        kernels.rows("argmax")
                .buffer(argMax.rows().live())
                .buffer(argMax.x())
                .buffer(argMax.ids())
                .buffer(advance == null ? null : advance.positions())
                .buffer(advance == null ? null : advance.ids())
                .integer(argMax.x().width())
                .groups(argMax.rows().limit(), shape.lanes());
    }

    void topK(Operation.TopK topK) {
        kernels.rows("top_k")
                .buffer(topK.rows().live())
                .buffer(topK.x())
                .buffer(topK.ids())
                .buffer(topK.values())
                .integer(topK.x().width())
                .integer(topK.ids().width())
                .groups(topK.rows().limit(), shape.lanes());
    }

    void advance(Operation.Advance advance) {
        kernels.rows("advance")
                .buffer(advance.rows().live())
                .buffer(advance.positions())
                .buffer(advance.chosen())
                .buffer(advance.ids())
                .groups(shape.groups(advance.rows().limit()), shape.lanes());
    }
}
