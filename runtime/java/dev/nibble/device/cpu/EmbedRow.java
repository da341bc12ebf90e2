package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link Operation.Embed}: decodes a row of the table. */
final class EmbedRow implements RowWork {
    private final CpuBuffer ids;
    private final TableWeight table;
    private final CpuBuffer out;
    private final float[][] scratch;

    /** @param threads the threads that may run it */
    EmbedRow(Operation.Embed operation, int threads) {
        this.ids = (CpuBuffer) operation.ids();
        this.table = (TableWeight) operation.table();
        this.out = (CpuBuffer) operation.out();
        this.scratch = new float[threads][out.width()];
    }

    @Override
    public int width() {
        return out.width();
    }

    @Override
    public double cost() {
        return 2;
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        table.decode(ids.integer(row), scratch[thread]);
        MemorySegment.copy(
                scratch[thread], 0, out.segment(), ValueLayout.JAVA_FLOAT, row * out.rowBytes(), out.width());
    }
}
