package dev.nibble.device.cuda;

import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.KvType;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelPart;
import dev.nibble.device.kernel.Memory;
import java.util.List;

/**
 * The KV cache of one layer: keys and values apart, head by head. A head has a row for each token of each page; behind them, of
 * quantized types, the scales of all rows: {@code cuda-kernels/include/cache.cuh}.
 */
final class CudaKvPages implements KvPages, KernelPart {
    /** What a row of floats is rounded up to, in values. */
    private static final int ROW_ALIGNMENT = 8;

    /** What the scales of a head are rounded up to, in bytes. */
    private static final int SCALES_ALIGNMENT = 16;

    private final KvLayout layout;
    private final int pages;
    private final Allocation keys;
    private final Allocation values;

    CudaKvPages(KvLayout layout, int pages, Memory memory) {
        this.layout = layout;
        this.pages = pages;
        String what = "a KV cache of " + pages + " pages of " + layout.pageTokens() + " tokens";
        long rows = (long) pages * stride();
        this.keys = memory.allocate(layout.heads() * headBytes(layout.keyType(), layout.keySize(), rows), what);
        try {
            this.values =
                    memory.allocate(layout.heads() * headBytes(layout.valueType(), layout.valueSize(), rows), what);
        } catch (RuntimeException e) {
            keys.close();
            throw e;
        }
    }

    private static long headBytes(KvType type, int size, long rows) {
        if (!type.isQuantized()) {
            return rows * type.bytes(roundUp(size, ROW_ALIGNMENT));
        }
        long scales = rows * (size / KvType.BLOCK) * Short.BYTES;
        return rows * type.bytes(size) - scales + roundUp(scales, SCALES_ALIGNMENT);
    }

    private static long roundUp(long count, int multiple) {
        return Math.ceilDiv(count, multiple) * multiple;
    }

    @Override
    public KvLayout layout() {
        return layout;
    }

    @Override
    public int pages() {
        return pages;
    }

    @Override
    public long bytes() {
        return keys.bytes() + values.bytes();
    }

    /** Rows of a page. */
    int stride() {
        return layout.pageTokens();
    }

    Allocation keys() {
        return keys;
    }

    Allocation values() {
        return values;
    }

    @Override
    public List<Allocation> allocations() {
        return List.of(keys, values);
    }

    @Override
    public void close() {
        keys.close();
        values.close();
    }
}
