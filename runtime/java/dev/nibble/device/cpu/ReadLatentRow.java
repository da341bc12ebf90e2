package dev.nibble.device.cpu;

import dev.nibble.device.AttentionOperation;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link AttentionOperation.ReadLatent}: gathers a token's values from the transposed group that it stands in. */
final class ReadLatentRow implements RowWork {
    private final CpuBuffer from;
    private final CpuBuffer pageTable;
    private final CpuKvPages cache;
    private final CpuBuffer turned;
    private final CpuBuffer latent;

    ReadLatentRow(AttentionOperation.ReadLatent operation) {
        this.from = (CpuBuffer) operation.from();
        this.pageTable = (CpuBuffer) operation.pageTable();
        this.cache = (CpuKvPages) operation.cache();
        this.turned = (CpuBuffer) operation.turned();
        this.latent = (CpuBuffer) operation.latent();
    }

    @Override
    public int width() {
        return turned.width() + latent.width();
    }

    @Override
    public double cost() {
        return 1;
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        KvLayout layout = cache.layout();
        int position = from.integer(1) + row;
        int inPage = position % layout.pageTokens();
        long entry = (long) from.integer(0) * pageTable.width() + position / layout.pageTokens();
        int group = cache.groupNumber(pageTable.integer(entry), inPage / cache.group());
        int token = inPage % cache.group();
        read(group, 0, layout.valueSize(), token, latent, row);
        read(group, layout.valueSize(), layout.keySize(), token, turned, row);
    }

    /** Reads so many values of a token's key, those from {@code first} on. */
    private void read(int group, int first, int count, int token, CpuBuffer to, int row) {
        KvType type = cache.layout().keyType();
        MemorySegment segment = cache.segment();
        long keys = cache.keysAt(0, group) + type.bytes((long) first * cache.group());
        long at = row * to.rowBytes();
        int place = CpuKvPages.place(type, cache.group(), token);
        for (int i = 0; i < count; i++) {
            float value = switch (type) {
                case F32 -> Rows.get(segment, keys + 4L * (i * cache.group() + place));
                case F16 ->
                    Float.float16ToFloat(segment.get(ValueLayout.JAVA_SHORT, keys + 2L * (i * cache.group() + place)));
                case Q8_0, Q4_0 -> KvBlock.key(segment, type, keys, i, token);
            };
            Rows.set(to.segment(), at + 4L * i, value);
        }
    }
}
