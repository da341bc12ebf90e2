package dev.nibble.device.cuda;

import java.util.Arrays;

/**
 * How products of many rows of activations are cut into blocks of threads that use tensor cores: the variants of
 * {@code cuda-kernels/mma.cu}. Each block has an equal share of the work, so there are as many as the device runs at a time.
 *
 * @param tokens rows of activations that a block works on at a time, which the kernel is named by
 * @param threads of a block
 * @param blocks of the launch
 * @param shared bytes of shared memory of a block
 */
record TensorShape(int tokens, int threads, int blocks, int shared) {
    /** The compute capability from which on there are such instructions. */
    private static final int LEAST_CAPABILITY = 80;

    /** Rows of weights that a block works on at a time, and tiles of them. */
    private static final int ROWS = 128;

    static final int ROW_TILES = ROWS / WeightLayout.TILE_ROWS;

    private static final int[] TOKENS = {8, 16, 32, 64, 128};

    /** Up to so many tokens, whole panels are read at a time, from there on quarters, further ahead. */
    private static final int WHOLE_PANELS = 16;

    /** From so many tokens on, two warps share a tile of weights. */
    private static final int TWO_WARPS = 64;

    private static final int WARP = 32;
    private static final int PANEL_BLOCKS = 8;
    private static final int BLOCK_COLUMNS = 32;

    /** Floats of 16 bits in a piece of 16 bytes. */
    private static final int PIECE_VALUES = 8;

    /** Steps of 32 columns of floats: of weights, of activations as they come, and split in parts. */
    private static final int WEIGHT_STEPS = 4;

    private static final int VALUE_STEPS = 3;
    private static final int PART_STEPS = 2;

    /** What does not grow with anything: where the block is in its work. */
    private static final int FIXED = 256;

    /** Shared memory that the driver keeps of each block. */
    private static final int RESERVED = 1 << 10;

    /** Whether a device can multiply so. */
    static boolean serves(CudaTraits device) {
        return device.capability() >= LEAST_CAPABILITY;
    }

    /** Whether a device can multiply weights so: those of 16 bits where their rows are whole pieces of 16 bytes. */
    static boolean serves(CudaTraits device, WeightLayout layout, int columns) {
        return serves(device) && layout != WeightLayout.F32 && (layout.takesBlocks() || columns % PIECE_VALUES == 0);
    }

    /**
     * The kernel for some weights.
     *
     * @param limit the most rows of activations that share them
     */
    static TensorShape of(CudaTraits device, WeightLayout layout, int limit) {
        int[] fitting = Arrays.stream(TOKENS)
                .filter(tokens -> shared(layout, tokens) <= device.mostShared())
                .toArray();
        int tokens = Arrays.stream(fitting)
                .filter(count -> count >= limit)
                .findFirst()
                .orElse(fitting[fitting.length - 1]);
        int threads = WARP * ROW_TILES * (tokens >= TWO_WARPS ? 2 : 1);
        int shared = shared(layout, tokens);
        int resident = Math.clamp((device.mostShared() + RESERVED) / (shared + RESERVED), 1, most(tokens));
        return new TensorShape(tokens, threads, resident * device.multiprocessors(), shared);
    }

    /** Blocks that a processor has registers for. */
    private static int most(int tokens) {
        return tokens == 128 ? 1 : tokens == 64 ? 2 : 4;
    }

    /** The size of the struct Stages. */
    private static int shared(WeightLayout layout, int tokens) {
        int places = 2 * tokens * Integer.BYTES + FIXED;
        return places + (layout.takesBlocks() ? blockStages(layout, tokens) : floatStages(layout, tokens));
    }

    private static int floatStages(WeightLayout layout, int tokens) {
        int weights = WEIGHT_STEPS * ROWS * BLOCK_COLUMNS * Short.BYTES;
        int values = VALUE_STEPS * tokens * BLOCK_COLUMNS * Float.BYTES;
        int numbers = layout == WeightLayout.BF16 ? 3 : 2;
        int parts = PART_STEPS * tokens * (numbers * BLOCK_COLUMNS * Short.BYTES + Float.BYTES);
        return weights + values + parts;
    }

    private static int blockStages(WeightLayout layout, int tokens) {
        int weights = 2 * ROW_TILES * layout.panelBytes();
        int rows = layout.rowFactors() * PANEL_BLOCKS * ROWS * Float.BYTES;
        int ring = tokens <= WHOLE_PANELS ? 2 * PANEL_BLOCKS : 3 * PANEL_BLOCKS / 4;
        int values = ring * tokens * BLOCK_COLUMNS;
        int blocks = ring * tokens * (Long.BYTES + layout.rowFactors() * Float.BYTES);
        return weights + rows + values + blocks;
    }

    /** Bytes of all that the blocks of a launch can leave of output tiles that they share: two parts of each block. */
    static long leftoverBytes(CudaTraits device) {
        long most = 0;
        for (int tokens : TOKENS) {
            most = Math.max(most, (long) most(tokens) * tokens);
        }
        return 2 * device.multiprocessors() * most * ROWS * Float.BYTES;
    }

    /** Bytes of what they count. */
    static long counterBytes(CudaTraits device) {
        return (long) most(0) * device.multiprocessors() * Integer.BYTES;
    }

    /** The kernel of a type. */
    String kernel(WeightLayout layout) {
        return layout.named("mma") + "_" + tokens;
    }
}
