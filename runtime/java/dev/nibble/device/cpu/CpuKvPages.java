package dev.nibble.device.cpu;

import dev.nibble.UnsupportedFeatureException;
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
 *
 * <p>So both are rows of 32 or 16 values, unless they are of a quantized type: see {@link KvBlock}. In a row of 32 values of 16 bits, the first 16 alternate with the last 16: half of a
 * 32-bit word is then had by a shift, without moving values between lanes.
 *
 * <p>Latent vectors are kept as the first values of keys, behind which the turned ones follow; there are no values apart.
 */
final class CpuKvPages implements KvPages {
    /** The most values in a row: tokens of a key's row, columns of a value's. */
    static final int COLUMNS = 32;

    private static final int PAIR = COLUMNS / 2;

    /** The least tokens in a group. */
    static final int LEAST_GROUP = 16;

    private final KvLayout layout;
    private final int pages;
    private final int keySize;
    private final int group;
    private final int groupsPerPage;
    private final int valueStride;
    private final long groupKeyBytes;
    private final long groupValueBytes;
    private final long firstValue;
    private final NativeMemory memory;

    CpuKvPages(KvLayout layout, int pages, DeviceMemory memory) {
        checkPages(layout);
        this.layout = layout;
        this.pages = pages;
        this.keySize = layout.latent() ? layout.valueSize() + layout.keySize() : layout.keySize();
        this.group = layout.pageTokens() % COLUMNS == 0 ? COLUMNS : LEAST_GROUP;
        this.groupsPerPage = Math.ceilDiv(layout.pageTokens(), group);
        this.valueStride = roundUp(layout.valueSize(), LEAST_GROUP);
        this.groupKeyBytes = layout.keyType().bytes((long) group * keySize);
        this.groupValueBytes = layout.latent() ? 0 : layout.valueType().bytes((long) group * valueStride);
        long groups = (long) layout.heads() * pages * groupsPerPage;
        this.firstValue = groups * groupKeyBytes;
        this.memory = memory.allocate(
                firstValue + groups * groupValueBytes,
                "a KV cache of " + pages + " pages of " + layout.pageTokens() + " tokens");
    }

    private static void checkPages(KvLayout layout) {
        boolean quantized = layout.keyType().isQuantized() || layout.valueType().isQuantized();
        if (quantized && layout.pageTokens() % COLUMNS != 0) {
            throw new UnsupportedFeatureException("device cpu: pages of " + layout.pageTokens()
                    + " tokens cannot hold keys in " + layout.keyType().id() + " and values in "
                    + layout.valueType().id() + "; quantized types need multiples of " + COLUMNS);
        }
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

    /** Whether values lie in quantized blocks of their own. */
    boolean quantizedValues() {
        return layout.valueType().isQuantized() && !layout.latent();
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

    /** Values of a key; a latent vector is part of it. */
    int keySize() {
        return keySize;
    }

    boolean halfKeys() {
        return layout.keyType() == KvType.F16;
    }

    boolean halfValues() {
        return layout.valueType() == KvType.F16 && !layout.latent();
    }

    /** The number of a group among all groups of a head. */
    int groupNumber(int page, int groupInPage) {
        if (page < 0 || page >= pages) {
            throw new IndexOutOfBoundsException("page " + page + " of a KV cache of " + pages);
        }
        return page * groupsPerPage + groupInPage;
    }

    /** The byte offset of a group's keys, {@code [keySize][group]}. */
    long keysAt(int head, int groupNumber) {
        return ((long) head * pages * groupsPerPage + groupNumber) * groupKeyBytes;
    }

    /** The columns of the block of values that begins at {@code column}. */
    int columnsOfBlock(int column) {
        return Math.min(COLUMNS, valueStride - column);
    }

    /** The byte offset of the block of a group's values that begins at {@code column}, {@code [group][columns]}. */
    long valuesAt(int head, int groupNumber, int column) {
        long place = (long) head * pages * groupsPerPage + groupNumber;
        return firstValue + place * groupValueBytes + layout.valueType().bytes((long) group * column);
    }

    /** The place of a value in a row of so many values of this type. */
    static int place(KvType type, int columns, int column) {
        return type == KvType.F16 && columns == COLUMNS ? column % PAIR * 2 + column / PAIR : column;
    }

    @Override
    public void close() {
        memory.close();
    }
}
