package dev.nibble.device.opencl;

import dev.nibble.device.Operation;
import dev.nibble.device.RopeStyle;

/** The launches of operations on the heads of queries, keys and values: {@code rows.cl}. */
final class HeadLaunches {
    private final LaunchPlanner planner;
    private final RowShape shape;

    HeadLaunches(LaunchPlanner planner) {
        this.planner = planner;
        this.shape = RowShape.of(planner.device().traits());
    }

    private LaunchBuilder kernel(String name) {
        return planner.kernel("rows", shape.options(), name);
    }

    void rope(Operation.Rope rope) {
        int heads = rope.x().width() / rope.headSize();
        int pairs = rope.frequencies().width();
        int headsOfItem = shape.lanes() == 1 ? heads : 1;
        int items = Math.ceilDiv(pairs, shape.vector()) * (heads / headsOfItem);
        planner.add(kernel("rope")
                .buffer(rope.rows().live())
                .buffer(rope.positions())
                .buffer(rope.x())
                .integer(heads)
                .integer(rope.headSize())
                .integer(rope.style() == RopeStyle.INTERLEAVED ? 1 : 0)
                .buffer(rope.frequencies())
                .integer(pairs)
                .real(rope.magnitude())
                .integer(headsOfItem)
                .groups(Math.ceilDiv(items, shape.lanes()), rope.rows().limit(), shape.lanes()));
    }

    void hadamard(Operation.Hadamard hadamard) {
        planner.add(kernel("hadamard")
                .buffer(hadamard.rows().live())
                .buffer(hadamard.x())
                .integer(hadamard.size())
                .real(hadamard.factor())
                .localMemory((long) hadamard.size() * Float.BYTES)
                .groups(hadamard.x().width() / hadamard.size(), hadamard.rows().limit(), shape.lanes()));
    }
}
