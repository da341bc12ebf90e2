package dev.nibble.device.kernel;

import dev.nibble.device.Operation;
import dev.nibble.device.RopeStyle;

/** The launches of operations on the heads of queries, keys and values: {@code rows}. */
final class HeadLaunches {
    private final SharedKernels kernels;
    private final RowShape shape;

    HeadLaunches(SharedKernels kernels) {
        this.kernels = kernels;
        this.shape = kernels.shape();
    }

    void rope(Operation.Rope rope) {
        int heads = rope.x().width() / rope.headSize();
        int pairs = rope.frequencies().width();
        int headsOfItem = shape.lanes() == 1 ? heads : 1;
        int items = Math.ceilDiv(pairs, shape.vector()) * (heads / headsOfItem);
        kernels.rows("rope")
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
                .groups(Math.ceilDiv(items, shape.lanes()), rope.rows().limit(), shape.lanes());
    }

    void hadamard(Operation.Hadamard hadamard) {
        kernels.rows("hadamard")
                .buffer(hadamard.rows().live())
                .buffer(hadamard.x())
                .integer(hadamard.size())
                .real(hadamard.factor())
                .sharedMemory((long) hadamard.size() * Float.BYTES)
                .groups(hadamard.x().width() / hadamard.size(), hadamard.rows().limit(), shape.lanes());
    }

    void join(Operation.JoinHeads join) {
        int lanes = kernels.writers();
        kernels.expand("join_heads", null)
                .buffer(join.rows().live())
                .buffer(join.first())
                .buffer(join.second())
                .buffer(join.out())
                .integer(join.firstSize())
                .integer(join.secondSize())
                .integer(join.shared() ? 1 : 0)
                .groups(join.heads(), join.rows().limit(), lanes);
    }
}
