package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.KvLayout;
import java.util.Optional;

/**
 * How an attention is cut into blocks: each takes {@code groups} groups of queries that share a key head, those of {@code heads} query
 * heads of {@code rows} rows, and one of {@code splits} parts of the tokens that they see.
 *
 * @param module the file of the kernel
 * @param kernel its entry
 * @param heads query heads of a row in a group
 * @param rows rows of a group
 * @param groups groups of a block
 * @param splits parts of the tokens
 * @param threads of a block
 * @param sharedBytes dynamic shared memory of a block
 */
record AttentionShape(
        String module, String kernel, int heads, int rows, int groups, int splits, int threads, long sharedBytes) {
    /** Threads of a block of {@code attention.cu}. */
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

    /** Query heads of a key head that are worth a tensor core for a row: it takes 16 queries at once, however few there are. */
    private static final int LEAST_SHARING = 4;

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
        Optional<FlashSize> flash = FlashSize.of(device, layout);
        boolean few = limit <= FEW_ROWS;
        if (flash.isPresent() && (!few || sharing >= LEAST_SHARING)) {
            return flash(flash.get(), device, layout, sharing, limit, tokens);
        }
        int size = size(device, layout);
        int heads = evenly(sharing, MOST_QUERIES);
        int queries = few && heads == 1 && size <= MOST_OF_ONE_QUERY ? 1 : MOST_QUERIES;
        int rows = few ? 1 : queries / heads;
        int groups = few ? 1 : WARPS;
        long blocks = (long) layout.heads() * Math.ceilDiv(sharing, heads) * Math.ceilDiv(limit, groups * rows);
        return new AttentionShape(
                "attention_" + types(layout),
                "attention_" + types(layout) + "_" + size + "_" + queries,
                heads,
                rows,
                groups,
                splits((long) device.multiprocessors() * BLOCKS_PER_MULTIPROCESSOR, blocks, tokens),
                THREADS,
                0);
    }

    /** On tensor cores. */
    private static AttentionShape flash(
            FlashSize size, CudaTraits device, KvLayout layout, int sharing, int limit, long tokens) {
        FlashSize.Kernel kernel = limit <= FEW_ROWS ? size.tokens() : size.rows();
        int heads = evenly(sharing, kernel.queries());
        int rows = limit <= FEW_ROWS ? 1 : Math.min(limit, kernel.queries() / heads);
        long blocks = (long) layout.heads() * Math.ceilDiv(sharing, heads) * Math.ceilDiv(limit, rows);
        return new AttentionShape(
                "flash_" + types(layout) + "_" + size.keys(),
                kernel.name() + "_" + types(layout) + "_" + size.keys(),
                heads,
                rows,
                1,
                splits((long) device.multiprocessors() * kernel.blocksPerMultiprocessor(), blocks, tokens),
                kernel.threads(),
                kernel.sharedBytes(layout));
    }

    /** Heads in as few groups of at most so many as there can be, as even as they can be. */
    private static int evenly(int heads, int most) {
        return Math.ceilDiv(heads, Math.ceilDiv(heads, most));
    }

    private static int splits(long wantedBlocks, long blocks, long tokens) {
        long wanted = Math.ceilDiv(wantedBlocks, blocks);
        return (int) Math.clamp(Math.ceilDiv(tokens, TILE * WARPS), 1, Math.min(MOST_SPLITS, wanted));
    }

    /**
     * The head size of the kernels for a cache, where there are no tensor cores for it.
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

    /** The types of a cache in the names of kernels. */
    static String types(KvLayout layout) {
        return layout.keyType().id() + "_" + layout.valueType().id();
    }
}
