package dev.nibble.device.cpu;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * How the rows of one attention are cut into parts: blocks of consecutive rows of one slot, times KV heads, times ranges of
 * tokens where there would be too few parts otherwise. The bounds of ranges do not depend on the cut, and each range is
 * summed up on its own before it is merged, in order: so the result of a row depends neither on the number of threads nor on
 * the other rows.
 */
final class AttentionPlan {
    /** Tokens in a range, up to gaps at the ends of pages. */
    static final int RANGE_TILES = 16;

    private static final int PARTS_PER_THREAD = 4;

    /** Memory for the results of ranges: what needs more is not cut into ranges. */
    private static final long MOST_PARTIAL_BYTES = 64L << 20;

    private final int heads;
    private final int threads;
    private final long mostSplitParts;
    private final int rowsPerBlock;
    private final int window;
    private final CpuBuffer positions;
    private final CpuBuffer slots;
    private final CpuKvPages cache;

    private final int[] firstRow;
    private final int[] firstGroup;
    private final int[] endGroup;
    private final int[] lastToken;
    private final int[] leastPosition;
    private final int[] lastFirstToken;
    private final int[] firstPart;
    private final AtomicIntegerArray unfinished;
    private int blocks;
    private boolean split;
    private long pairs;

    /** @param heads parts of the query heads, each of those that share a KV head, or some of them */
    AttentionPlan(
            CpuBuffer positions,
            CpuBuffer slots,
            CpuKvPages cache,
            int heads,
            int limit,
            int rowsPerBlock,
            int window,
            int threads,
            long partialBytes) {
        this.positions = positions;
        this.slots = slots;
        this.cache = cache;
        this.heads = heads;
        this.rowsPerBlock = rowsPerBlock;
        this.window = window;
        this.threads = threads;
        this.mostSplitParts = MOST_PARTIAL_BYTES / partialBytes;
        this.firstRow = new int[limit + 1];
        this.firstGroup = new int[limit];
        this.endGroup = new int[limit];
        this.lastToken = new int[limit];
        this.leastPosition = new int[limit];
        this.lastFirstToken = new int[limit];
        this.firstPart = new int[limit + 1];
        this.unfinished = new AtomicIntegerArray(limit * heads);
    }

    /** Cuts the rows; returns the number of parts. */
    int cut(int rows) {
        blocks = 0;
        pairs = 0;
        for (int row = 0; row < rows; ) {
            int end = row + 1;
            while (end < rows && end < row + rowsPerBlock && slot(end) == slot(row)) {
                end++;
            }
            addBlock(row, end);
            row = end;
        }
        firstRow[blocks] = rows;
        long ranges = 0;
        for (int block = 0; block < blocks; block++) {
            ranges += endRange(block) - firstRange(block);
        }
        split = threads > 1 && blocks * heads < PARTS_PER_THREAD * threads && ranges * heads <= mostSplitParts;
        return number();
    }

    /** Numbers the parts; returns how many there are. */
    private int number() {
        int parts = 0;
        for (int block = 0; block < blocks; block++) {
            firstPart[block] = parts;
            int ranges = split ? endRange(block) - firstRange(block) : 1;
            parts += heads * ranges;
            for (int head = 0; split && head < heads; head++) {
                unfinished.setPlain(block * heads + head, ranges);
            }
        }
        firstPart[blocks] = parts;
        return parts;
    }

    private void addBlock(int row, int end) {
        int first = Integer.MAX_VALUE;
        int lastFirst = 0;
        int least = Integer.MAX_VALUE;
        int last = 0;
        for (int i = row; i < end; i++) {
            first = Math.min(first, firstToken(i));
            lastFirst = Math.max(lastFirst, firstToken(i));
            least = Math.min(least, position(i));
            last = Math.max(last, position(i));
        }
        firstRow[blocks] = row;
        firstGroup[blocks] = group(first);
        endGroup[blocks] = group(last) + 1;
        lastToken[blocks] = last;
        leastPosition[blocks] = least;
        pairs += (long) (end - row) * (endGroup[blocks] - firstGroup[blocks]) * cache.group();
        lastFirstToken[blocks] = lastFirst;
        blocks++;
    }

    private int group(int token) {
        int pageTokens = cache.layout().pageTokens();
        return token / pageTokens * cache.groupsPerPage() + token % pageTokens / cache.group();
    }

    /** About how many pairs of a row and a token there are. */
    long pairs() {
        return pairs;
    }

    /** Whether blocks are cut into ranges. */
    boolean split() {
        return split;
    }

    int blockOfPart(int part) {
        int block = 0;
        while (firstPart[block + 1] <= part) {
            block++;
        }
        return block;
    }

    int firstPart(int block) {
        return firstPart[block];
    }

    int firstRow(int block) {
        return firstRow[block];
    }

    int endRow(int block) {
        return firstRow[block + 1];
    }

    /** The first group of tokens that a row of the block sees, counted through the pages of the slot. */
    int firstGroup(int block) {
        return firstGroup[block];
    }

    int endGroup(int block) {
        return endGroup[block];
    }

    /** The least position of a row of the block: all its rows see the tokens up to there, from {@link #lastFirstToken} on. */
    int leastPosition(int block) {
        return leastPosition[block];
    }

    int lastFirstToken(int block) {
        return lastFirstToken[block];
    }

    /** The last token that a row of the block sees. */
    int lastToken(int block) {
        return lastToken[block];
    }

    int firstRange(int block) {
        return firstGroup[block] / groupsPerRange();
    }

    int endRange(int block) {
        return Math.ceilDiv(endGroup[block], groupsPerRange());
    }

    int groupsPerTile() {
        return AttentionWorkspace.TILE / cache.group();
    }

    int groupsPerRange() {
        return RANGE_TILES * groupsPerTile();
    }

    int position(int row) {
        return positions.integer(row);
    }

    /** The first token that the row sees. */
    int firstToken(int row) {
        return window > 0 ? Math.max(0, position(row) - window + 1) : 0;
    }

    int slot(int row) {
        return slots.integer(row);
    }

    /** Notes that a range of this block and head is done; whether it was the last. */
    boolean finishRange(int block, int head) {
        return unfinished.decrementAndGet(block * heads + head) == 0;
    }
}
