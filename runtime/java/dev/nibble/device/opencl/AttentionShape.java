package dev.nibble.device.opencl;

import dev.nibble.device.KvLayout;

/**
 * How an attention is cut into work-groups: each takes {@code queries} queries that share a key head, those of {@code heads} query
 * heads of {@code queries / heads} rows, and one of {@code splits} parts of the tokens that they see.
 *
 * @param lanes work-items in a group
 * @param vector tokens, or columns of values, that a work-item reads at once
 * @param tile the most tokens between two looks at the softmax
 * @param queries queries of a group
 * @param heads query heads of a row among them
 * @param splits parts of the tokens
 */
record AttentionShape(int lanes, int vector, int tile, int queries, int heads, int splits) {
    private static final int CPU_VECTOR = 16;
    private static final int LANES = 128;
    private static final int FEWEST_LANES = 32;

    /** Tokens of a tile for each work-item, or of the only one. */
    private static final int TILE = 64;

    /** Queries that one work-item keeps sums for. */
    private static final int MOST_QUERIES = 8;

    /** Steps of so few rows may be of as many sequences, whose rows have no keys in common. */
    private static final int FEW_ROWS = 8;

    /** Work-groups that keep a processor busy. */
    private static final int GROUPS_PER_UNIT = 4;

    private static final int MOST_SPLITS = 64;

    /**
     * The shape for a device.
     *
     * @param sharing query heads of a key head
     * @param rows the most rows of a step
     * @param tokens the most tokens of a sequence
     */
    static AttentionShape of(DeviceTraits device, KvLayout layout, int sharing, int rows, long tokens) {
        boolean alone = device.isCpu() || device.mostWorkItems() < FEWEST_LANES;
        int lanes = alone ? 1 : Math.min(LANES, Integer.highestOneBit(device.mostWorkItems()));
        int vector = alone ? CPU_VECTOR : 1;
        int heads = largestDivisor(sharing, MOST_QUERIES);
        int queries = rows <= FEW_ROWS ? heads : MOST_QUERIES / heads * heads;
        int tile = alone ? TILE : lanes;
        long groups = (long) layout.heads() * (sharing / heads) * Math.ceilDiv(rows, queries / heads);
        long wanted = Math.ceilDiv((long) device.computeUnits() * GROUPS_PER_UNIT, groups);
        int splits = (int) Math.clamp(Math.ceilDiv(tokens, tile), 1, Math.min(MOST_SPLITS, wanted));
        return new AttentionShape(lanes, vector, tile, queries, heads, splits);
    }

    private static int largestDivisor(int number, int most) {
        int divisor = Math.min(number, most);
        while (number % divisor != 0) {
            divisor--;
        }
        return divisor;
    }

    /** Tokens of a tile in pages with room for so many: whole pages, or an equal part of one. */
    int tokens(int stride) {
        if (stride <= tile) {
            return tile / stride * stride;
        }
        int tokens = tile / CPU_VECTOR * CPU_VECTOR;
        while (stride % tokens != 0) {
            tokens -= CPU_VECTOR;
        }
        return tokens;
    }

    /** The build options of the kernel. */
    String options(KvLayout layout) {
        return OpenClKvPages.options(layout) + " -DKEY_SIZE=" + layout.keySize() + " -DVALUE_SIZE=" + layout.valueSize()
                + " -DQUERIES=" + queries + " -DTILE=" + tile + " -DLANES=" + lanes + " -DVECTOR=" + vector
                + (layout.latent() ? " -DLATENT" : "");
    }
}
