package dev.nibble.device.cpu;

import dev.nibble.device.KvLayout;
import dev.nibble.device.KvType;
import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link Operation.WriteKv}: scatters keys into the transposed groups, and lays values down as rows. */
final class WriteKvRow implements RowWork {
    private final CpuBuffer positions;
    private final CpuBuffer slots;
    private final CpuBuffer pageTable;
    private final CpuBuffer k;
    private final CpuBuffer v;
    private final CpuKvPages cache;

    WriteKvRow(Operation.WriteKv operation) {
        this.positions = (CpuBuffer) operation.positions();
        this.slots = (CpuBuffer) operation.slots();
        this.pageTable = (CpuBuffer) operation.pageTable();
        this.k = (CpuBuffer) operation.k();
        this.v = (CpuBuffer) operation.v();
        this.cache = (CpuKvPages) operation.cache();
    }

    @Override
    public int width() {
        return k.width() + v.width();
    }

    @Override
    public double cost() {
        return 2;
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        KvLayout layout = cache.layout();
        int position = positions.integer(row);
        int inPage = position % layout.pageTokens();
        long entry = (long) slots.integer(row) * pageTable.width() + position / layout.pageTokens();
        int page = pageTable.integer(entry);
        int group = inPage / cache.group();
        int token = inPage % cache.group();
        for (int head = 0; head < layout.heads(); head++) {
            long from = row * k.rowBytes() + (long) head * layout.keySize() * 4;
            write(
                    layout.keyType(),
                    k.segment(),
                    from,
                    layout.keySize(),
                    cache.keysAt(head, page, group),
                    token,
                    cache.group());
            for (int column = 0; column < layout.valueSize(); column += cache.columnsOfBlock(column)) {
                int columns = cache.columnsOfBlock(column);
                from = row * v.rowBytes() + ((long) head * layout.valueSize() + column) * 4;
                write(
                        layout.valueType(),
                        v.segment(),
                        from,
                        Math.min(columns, layout.valueSize() - column),
                        cache.valuesAt(head, page, group, column),
                        token * columns,
                        1);
            }
        }
    }

    /** Writes {@code count} values to the places {@code first}, {@code first + stride} … counted from byte {@code at}. */
    private void write(KvType type, MemorySegment source, long from, int count, long at, int first, int stride) {
        MemorySegment target = cache.segment();
        switch (type) {
            case F32 -> {
                for (int i = 0; i < count; i++) {
                    Rows.set(target, at + (first + (long) i * stride) * 4, Rows.get(source, from + i * 4L));
                }
            }
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    short bits = Float.floatToFloat16(Rows.get(source, from + i * 4L));
                    target.set(ValueLayout.JAVA_SHORT, at + (first + (long) i * stride) * 2, bits);
                }
            }
        }
    }
}
