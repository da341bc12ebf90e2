package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.KvLayout;

/**
 * How an attention is cut into blocks: each takes {@code groups} groups of queries that share a key head, those of {@code heads} query
 * heads of {@code rows} rows, and one of {@code splits} parts of the tokens that they see. A group is one warp's, or all warps share one.
 *
 * @param size the head size that the kernel is compiled for, at least that of keys and of values
 * @param queries the queries of a group that it is compiled for
 * @param heads query heads of a row in a group
 * @param rows rows of a group
 * @param groups groups of a block
 * @param splits parts of the tokens
 */
record AttentionShape(int size, int queries, int heads, int rows, int groups, int splits) {
    /** Threads of a block: {@code attention.cuh}. */
    static final int THREADS = 128;

    private static final int WARPS = THREADS / 32;

    /** Tokens that a warp takes at once. */
    private static final int TILE = 32;

    private static final int MOST_QUERIES = 4;

    private static final int[] SIZES = {64, 128, 256};

    /** The largest head size that has kernels for a single query. */
    private static final int MOST_OF_ONE_QUERY = 128;

    /** Steps of so few rows may be of as many sequences, whose rows have no keys in common. */
    private static final int FEW_ROWS = 8;

    private static final int BLOCKS_PER_MULTIPROCESSOR = 4;
    private static final int MOST_SPLITS = 64;

    /**
     * The shape for a device.
     *
     * @param sharing query heads of a key head
     * @param limit the most rows of a step
     * @param tokens the most tokens of a sequence
     */
    static AttentionShape of(CudaTraits device, KvLayout layout, int sharing, int limit, long tokens) {
        int size = size(device, layout);
        boolean few = limit <= FEW_ROWS;
        int heads = Math.ceilDiv(sharing, Math.ceilDiv(sharing, MOST_QUERIES));
        int queries = few && heads == 1 && size <= MOST_OF_ONE_QUERY ? 1 : MOST_QUERIES;
        int rows = few ? 1 : queries / heads;
        int groups = few ? 1 : WARPS;
        long blocks = (long) layout.heads() * Math.ceilDiv(sharing, heads) * Math.ceilDiv(limit, groups * rows);
        long wanted = Math.ceilDiv((long) device.multiprocessors() * BLOCKS_PER_MULTIPROCESSOR, blocks);
        long tiles = Math.ceilDiv(tokens, TILE * WARPS);
        int splits = (int) Math.clamp(tiles, 1, Math.min(MOST_SPLITS, wanted));
        return new AttentionShape(size, queries, heads, rows, groups, splits);
    }

    /**
     * The head size of the kernels for a cache.
     *
     * @throws UnsupportedFeatureException if there are none
     */
    static int size(CudaTraits device, KvLayout layout) {
        for (int size : SIZES) {
            if (layout.keySize() <= size && layout.valueSize() <= size) {
                return size;
            }
        }
        throw new UnsupportedFeatureException("device " + device.device() + " has no attention with keys of "
                + layout.keySize() + " and values of " + layout.valueSize() + " numbers, only with heads of at most "
                + SIZES[SIZES.length - 1] + "; use opencl or cpu");
    }

    /** The kernel for the types of a cache. */
    String kernel(KvLayout layout) {
        return "attention_" + types(layout) + "_" + size + "_" + queries;
    }

    /** The types of a cache in the names of kernels. */
    static String types(KvLayout layout) {
        return layout.keyType().id() + "_" + layout.valueType().id();
    }
}
