package dev.nibble.device.cpu;

import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.KvType;
import java.lang.foreign.MemorySegment;

/**
 * The KV cache of one layer: all keys, then all values, each as {@code [head][page][group]}, so that a head's keys and its
 * values are two streams of ascending addresses where a sequence's pages are. That is what processors fetch ahead best; an
 * order that jumps at every page or two halves the speed of attention.
 *
 * <p>A group is 32 tokens, or 16 where pages are no multiple of 32. Its keys are transposed, {@code [keySize][group]}, so that
 * a vector holds the same key value of several tokens. Its values lie in blocks of 32 columns (the last may have 16), each
 * {@code [group][columns]}, so that the few columns that registers can sum up at once are read without gaps.
 */
final class CpuKvPages implements KvPages {
    /** The largest group of tokens. */
    static final int GROUP = 32;

    private static final int VALUE_COLUMNS = 32;

    private static final int SMALL_GROUP = 16;

    private final KvLayout layout;
    private final int pages;
    private final int group;
    private final int groupsPerPage;
    private final int valueStride;
    private final int keyBytes;
    private final int valueBytes;
    private final long pageKeyBytes;
    private final long pageValueBytes;
    private final long firstValue;
    private final NativeMemory memory;

    CpuKvPages(KvLayout layout, int pages, DeviceMemory memory) {
        this.layout = layout;
        this.pages = pages;
        this.group = layout.pageTokens() % GROUP == 0 ? GROUP : SMALL_GROUP;
        this.groupsPerPage = Math.ceilDiv(layout.pageTokens(), group);
        this.valueStride = roundUp(layout.valueSize(), SMALL_GROUP);
        this.keyBytes = (int) layout.keyType().bytes(1);
        this.valueBytes = (int) layout.valueType().bytes(1);
        this.pageKeyBytes = (long) groupsPerPage * group * layout.keySize() * keyBytes;
        this.pageValueBytes = (long) groupsPerPage * group * valueStride * valueBytes;
        this.firstValue = pageKeyBytes * layout.heads() * pages;
        this.memory = memory.allocate(
                firstValue + pageValueBytes * layout.heads() * pages,
                "a KV cache of " + pages + " pages of " + layout.pageTokens() + " tokens");
    }

    static int roundUp(int count, int multiple) {
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
        return memory.bytes();
    }

    MemorySegment segment() {
        return memory.segment();
    }

    /** Tokens in a group. */
    int group() {
        return group;
    }

    int groupsPerPage() {
        return groupsPerPage;
    }

    /** Values of a token, rounded up to a multiple of 16. */
    int valueStride() {
        return valueStride;
    }

    boolean halfKeys() {
        return layout.keyType() == KvType.F16;
    }

    boolean halfValues() {
        return layout.valueType() == KvType.F16;
    }

    /** The byte offset of a group's keys, {@code [keySize][group]}. */
    long keysAt(int head, int page, int groupInPage) {
        return place(head, page) * pageKeyBytes + (long) groupInPage * group * layout.keySize() * keyBytes;
    }

    /** The columns of the block of values that begins at {@code column}. */
    int columnsOfBlock(int column) {
        return Math.min(VALUE_COLUMNS, valueStride - column);
    }

    /** The byte offset of the block of a group's values that begins at {@code column}, {@code [group][columns]}. */
    long valuesAt(int head, int page, int groupInPage, int column) {
        long before = (long) groupInPage * group * valueStride + (long) group * column;
        return firstValue + place(head, page) * pageValueBytes + before * valueBytes;
    }

    private long place(int head, int page) {
        if (page < 0 || page >= pages) {
            throw new IndexOutOfBoundsException("page " + page + " of a KV cache of " + pages);
        }
        return (long) head * pages + page;
    }

    @Override
    public void close() {
        memory.close();
    }
}
