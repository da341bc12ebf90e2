package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;

/** {@link Operation.JoinHeads}. */
final class JoinHeadsRow implements RowWork {
    private final CpuBuffer first;
    private final CpuBuffer second;
    private final CpuBuffer out;
    private final int heads;
    private final long firstBytes;
    private final long secondBytes;
    private final boolean shared;

    JoinHeadsRow(Operation.JoinHeads operation) {
        this.first = (CpuBuffer) operation.first();
        this.second = (CpuBuffer) operation.second();
        this.out = (CpuBuffer) operation.out();
        this.heads = operation.heads();
        this.firstBytes = (long) operation.firstSize() * Float.BYTES;
        this.secondBytes = (long) operation.secondSize() * Float.BYTES;
        this.shared = operation.shared();
    }

    @Override
    public int width() {
        return out.width();
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        long to = row * out.rowBytes();
        for (int head = 0; head < heads; head++) {
            long its = row * second.rowBytes() + (shared ? 0 : head * secondBytes);
            MemorySegment.copy(
                    first.segment(), row * first.rowBytes() + head * firstBytes, out.segment(), to, firstBytes);
            MemorySegment.copy(second.segment(), its, out.segment(), to + firstBytes, secondBytes);
            to += firstBytes + secondBytes;
        }
    }
}
