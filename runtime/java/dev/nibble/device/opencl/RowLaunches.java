package dev.nibble.device.opencl;

import dev.nibble.device.Buffer;
import dev.nibble.device.NormKind;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import org.jspecify.annotations.Nullable;

/** The launches of operations on each row by itself: {@code rows.cl}. */
final class RowLaunches {
    private static final String FAMILY = "rows";

    private final LaunchPlanner planner;
    private final RowShape shape;

    RowLaunches(LaunchPlanner planner) {
        this.planner = planner;
        this.shape = RowShape.of(planner.device().traits());
    }

    private LaunchBuilder kernel(String name) {
        return planner.kernel(FAMILY, shape.options(), name);
    }

    void norm(Operation.Norm norm) {
        norm(norm.rows(), norm.kind(), norm.epsilon(), null, norm.x(), norm.weight(), norm.bias(), norm.out());
    }

    void addNorm(Operation.AddNorm norm) {
        norm(
                norm.rows(),
                norm.kind(),
                norm.epsilon(),
                norm.delta(),
                norm.residual(),
                norm.weight(),
                norm.bias(),
                norm.out());
    }

    private void norm(
            RowCount rows,
            NormKind kind,
            float epsilon,
            @Nullable Buffer delta,
            Buffer x,
            Buffer weight,
            @Nullable Buffer bias,
            Buffer out) {
        int groups = x.width() / weight.width();
        planner.add(kernel("norm")
                .buffer(rows.live())
                .buffer(delta)
                .buffer(x)
                .buffer(weight)
                .buffer(bias)
                .buffer(out)
                .integer(weight.width())
                .integer(groups)
                .integer(kind == NormKind.LAYER ? 1 : 0)
                .real(epsilon)
                .groups((long) rows.limit() * groups, shape.lanes()));
    }

    void quantize(Operation.Quantize quantize) {
        int blocks = quantize.x().width() / OpenClBuffer.BLOCK;
        planner.add(kernel("quantize")
                .buffer(quantize.rows().live())
                .buffer(quantize.x())
                .quantized(quantize.out())
                .integer(blocks)
                .groups(shape.quantizeGroups(blocks), quantize.rows().limit(), shape.lanes()));
    }

    void gather(Operation.Gather gather) {
        planner.add(kernel("gather")
                .buffer(gather.rows().live())
                .buffer(gather.source())
                .buffer(gather.indices())
                .buffer(gather.out())
                .integer(gather.source().rows())
                .integer(gather.out().width())
                .groups(gather.rows().limit(), shape.lanes()));
    }

    void argMax(Operation.ArgMax argMax) {
        planner.add(kernel("argmax")
                .buffer(argMax.rows().live())
                .buffer(argMax.x())
                .buffer(argMax.ids())
                .integer(argMax.x().width())
                .groups(argMax.rows().limit(), shape.lanes()));
    }
}
