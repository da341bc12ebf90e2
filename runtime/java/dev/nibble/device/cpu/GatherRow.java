package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;

/** {@link Operation.Gather}. It reads other rows than its own, so it stands at the head of a chain only. */
final class GatherRow implements RowWork {
    private final CpuBuffer source;
    private final CpuBuffer indices;
    private final CpuBuffer out;

    GatherRow(Operation.Gather operation) {
        this.source = (CpuBuffer) operation.source();
        this.indices = (CpuBuffer) operation.indices();
        this.out = (CpuBuffer) operation.out();
    }

    @Override
    public int width() {
        return out.width();
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        long at = indices.integer(row) * source.rowBytes();
        MemorySegment.copy(source.segment(), at, out.segment(), row * out.rowBytes(), out.rowBytes());
    }
}
