package dev.nibble.device.cpu;

import dev.nibble.device.AttentionOperation;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** {@link AttentionOperation.WriteKv}: scatters keys into the transposed groups, and lays values down as rows; quantized ones in blocks. */
final class WriteKvRow implements RowWork {
    private final CpuBuffer positions;
    private final CpuBuffer slots;
    private final CpuBuffer pageTable;
    private final CpuBuffer k;
    private final CpuBuffer v;
    private final CpuKvPages cache;
    private final KvBlock[] blocks;

    WriteKvRow(AttentionOperation.WriteKv operation, int threads) {
        this.positions = (CpuBuffer) operation.positions();
        this.slots = (CpuBuffer) operation.slots();
        this.pageTable = (CpuBuffer) operation.pageTable();
        this.k = (CpuBuffer) operation.k();
        this.v = (CpuBuffer) operation.v();
        this.cache = (CpuKvPages) operation.cache();
        this.blocks = new KvBlock[threads];
        Arrays.setAll(blocks, thread -> new KvBlock(cache.segment()));
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
        int group = cache.groupNumber(page, inPage / cache.group());
        int token = inPage % cache.group();
        KvBlock block = blocks[thread];
        if (layout.latent()) {
            writeKey(new Values(v, row, 0, layout.valueSize()), 0, group, 0, token, block);
            writeKey(new Values(k, row, 0, layout.keySize()), 0, group, layout.valueSize(), token, block);
            return;
        }
        for (int head = 0; head < layout.heads(); head++) {
            writeKey(new Values(k, row, head, layout.keySize()), head, group, 0, token, block);
            if (layout.valueType().isQuantized()) {
                writeValueBlocks(row, head, group, token, block);
            } else {
                writeValue(row, head, group, token);
            }
        }
    }

    /** What is written of a head: so many values of a row. */
    private record Values(CpuBuffer buffer, int row, int head, int size) {
        long at() {
            return row * buffer.rowBytes() + (long) head * size * Float.BYTES;
        }
    }

    /** @param first the value of the key that they begin at */
    private void writeKey(Values values, int head, int group, int first, int token, KvBlock block) {
        KvType type = cache.layout().keyType();
        MemorySegment source = values.buffer().segment();
        long keys = cache.keysAt(head, group) + type.bytes((long) first * cache.group());
        if (type.isQuantized()) {
            for (int value = 0; value < values.size(); value += KvType.BLOCK) {
                block.quantize(type, source, values.at() + value * 4L);
                block.writeKey(type, keys + value / KvType.BLOCK * KvBlock.bytes(type), token);
            }
            return;
        }
        int place = CpuKvPages.place(type, cache.group(), token);
        for (int i = 0; i < values.size(); i++, place += cache.group()) {
            write(type, keys, place, Rows.get(source, values.at() + i * 4L));
        }
    }

    private void writeValueBlocks(int row, int head, int group, int token, KvBlock block) {
        KvType type = cache.layout().valueType();
        int size = cache.layout().valueSize();
        long from = row * v.rowBytes() + (long) head * size * Float.BYTES;
        for (int value = 0; value < size; value += KvType.BLOCK) {
            block.quantize(type, v.segment(), from + value * 4L);
            block.writeValue(type, cache.valuesAt(head, group, value), token);
        }
    }

    private void writeValue(int row, int head, int group, int token) {
        KvLayout layout = cache.layout();
        for (int first = 0; first < layout.valueSize(); first += CpuKvPages.COLUMNS) {
            int columns = cache.columnsOfBlock(first);
            long from = row * v.rowBytes() + ((long) head * layout.valueSize() + first) * Float.BYTES;
            long at = cache.valuesAt(head, group, first);
            int count = Math.min(columns, layout.valueSize() - first);
            for (int i = 0; i < count; i++) {
                int place = token * columns + CpuKvPages.place(layout.valueType(), columns, i);
                write(layout.valueType(), at, place, Rows.get(v.segment(), from + i * 4L));
            }
        }
    }

    /** Writes the value number {@code place} of those that begin at byte {@code at}. */
    private void write(KvType type, long at, int place, float value) {
        switch (type) {
            case F32 -> Rows.set(cache.segment(), at + place * 4L, value);
            case F16 -> cache.segment().set(ValueLayout.JAVA_SHORT, at + place * 2L, Float.floatToFloat16(value));
            case Q8_0, Q4_0 -> throw new IllegalStateException("values of " + type + " are written in blocks");
        }
    }
}
