package dev.nibble.device.opencl;

import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelPart;
import dev.nibble.device.kernel.Memory;
import java.util.List;

/**
 * The KV cache of one layer: keys and values apart, each {@code [head][page][…]}, so that a head's keys and its values are two
 * streams of ascending addresses where a sequence's pages are.
 *
 * <p>Keys of a page are transposed, {@code [keySize][stride]}, so that neighbouring work-items, which score neighbouring tokens, read
 * neighbouring values; quantized ones in words of 4 or 8 values of a token, then {@code [keySize / 32][stride]} scales. Values are
 * {@code [stride][valueSize]}, so that work-items of neighbouring columns do; quantized ones in bytes, of 4 bits columns i and
 * 16 + i of a block in one, then {@code [stride][valueSize / 32]} scales.
 */
final class OpenClKvPages implements KvPages, KernelPart {
    /** What rows of a page are multiples of. */
    private static final int ALIGNMENT = 16;

    private final KvLayout layout;
    private final int pages;
    private final int stride;
    private final Allocation keys;
    private final Allocation values;

    OpenClKvPages(KvLayout layout, int pages, Memory memory) {
        this.layout = layout;
        this.pages = pages;
        this.stride = roundUp(layout.pageTokens());
        String what = "a KV cache of " + pages + " pages of " + layout.pageTokens() + " tokens";
        long count = (long) layout.heads() * pages;
        this.keys = memory.allocate(count * keyPageBytes(), what);
        try {
            this.values = memory.allocate(count * valuePageBytes(), what);
        } catch (RuntimeException e) {
            keys.close();
            throw e;
        }
    }

    private static int roundUp(int count) {
        return Math.ceilDiv(count, ALIGNMENT) * ALIGNMENT;
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

    /** Tokens that a page has room for: its tokens, rounded up to whole vectors. */
    int stride() {
        return stride;
    }

    /** Bytes of one head's keys in a page. */
    private int keyPageBytes() {
        return Math.toIntExact(layout.keyType().bytes((long) stride * layout.keySize()));
    }

    /** Bytes of one head's values in a page. */
    private int valuePageBytes() {
        return Math.toIntExact(layout.valueType().bytes((long) stride * roundUp(layout.valueSize())));
    }

    Allocation keys() {
        return keys;
    }

    Allocation values() {
        return values;
    }

    /** The build options of kernels that read or write such pages. */
    static String options(KvLayout layout) {
        return "-DKEYS=" + layout.keyType() + " -DVALUES=" + layout.valueType();
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
