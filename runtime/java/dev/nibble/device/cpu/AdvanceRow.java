package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** {@link Operation.Advance}. */
final class AdvanceRow implements RowWork {
    private final CpuBuffer positions;
    private final @Nullable CpuBuffer chosen;
    private final @Nullable CpuBuffer ids;

    AdvanceRow(Operation.Advance operation) {
        this.positions = (CpuBuffer) operation.positions();
        this.chosen = (CpuBuffer) operation.chosen();
        this.ids = (CpuBuffer) operation.ids();
    }

    @Override
    public int width() {
        return 1;
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        set(positions, row, positions.integer(row) + 1);
        if (chosen != null && ids != null) {
            set(ids, row, chosen.integer(row));
        }
    }

    private static void set(CpuBuffer buffer, int row, int value) {
        buffer.segment().set(ValueLayout.JAVA_INT, row * buffer.rowBytes(), value);
    }
}
