package dev.nibble.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The memory that one thread needs to multiply by one tile of weights; it stays in the first- and second-level caches. */
final class TileWorkspace {
    /** Tokens that are multiplied at once. */
    static final int TOKENS = 4;

    private static final ThreadLocal<TileWorkspace> OF_THREAD = ThreadLocal.withInitial(TileWorkspace::new);

    /** Unpacked weights of a panel: pairs of 16 bits (block, pair, row), or floats (column, row). */
    final MemorySegment weights =
            Arena.ofAuto().allocate((long) PackedMatrix.PANEL * PackedMatrix.TILE_ROWS * Float.BYTES, 64);

    /** (half block or block, row): what one integer step of the weights is worth. */
    final float[] scales = new float[PackedMatrix.PANEL / 16 * PackedMatrix.TILE_ROWS];

    /** (half block or block, row): what is added to each weight. */
    final float[] offsets = new float[PackedMatrix.PANEL / 16 * PackedMatrix.TILE_ROWS];

    /** Two of (row): factors of the scales and of the offsets. */
    final float[] factors = new float[2 * PackedMatrix.TILE_ROWS];

    /** Words of bytes of a panel, looked up in a codebook. */
    final MemorySegment bytes = Arena.ofAuto().allocate((long) PackedMatrix.PANEL * PackedMatrix.TILE_ROWS, 64);

    /** (half block or block, token, row): dot products of 16 bits, of the low and the high columns of the pairs. */
    final int[] pairSums = new int[PackedMatrix.PANEL / 16 * TOKENS * PackedMatrix.TILE_ROWS];

    /** (block, token, row): dot products, exact integers. */
    final float[] floatSums = new float[PackedMatrix.PANEL / 32 * TOKENS * PackedMatrix.TILE_ROWS];

    /** (token, row): results. */
    float[] results = new float[TOKENS * PackedMatrix.TILE_ROWS];

    /** Where the columns of four tokens begin in {@link QuantizedRows#integers}. */
    final int[] tokens = new int[TOKENS];

    private TileWorkspace() {}

    /** The workspace of the calling thread, with results of {@code tokens}, and of some beyond, set to 0. */
    static TileWorkspace cleared(int tokens) {
        TileWorkspace workspace = OF_THREAD.get();
        int size = Math.ceilDiv(tokens, TOKENS) * TOKENS * PackedMatrix.TILE_ROWS;
        if (workspace.results.length < size) {
            workspace.results = new float[size];
        } else {
            Arrays.fill(workspace.results, 0, size, 0);
        }
        return workspace;
    }

    /**
     * Multiplies unpacked weights by four tokens and adds the scaled products to results.
     *
     * @param to where the results of the first token begin
     */
    void multiply(QuantForm form, int blocks, QuantizedRows x, int to) {
        switch (form.sums()) {
            case PAIRS_OF_BLOCKS -> {
                multiplyPairs(form.pairs(x), blocks, 16);
                TileScaling.addPairs(
                        pairSums, blocks, scales, x.scales, block(0), block(1), block(2), block(3), results, to);
            }
            case PAIRS_OF_HALF_BLOCKS -> {
                multiplyPairs(form.pairs(x), blocks, 16);
                scaleHalves(blocks, 1, x, to);
            }
            case PAIRS_OF_HALF_BLOCKS_IN_TWO -> {
                multiplyPairs(form.pairs(x), 2 * blocks, 8);
                scaleHalves(blocks, 2, x, to);
            }
            case FLOATS_OF_BLOCKS -> multiplyFloats(blocks, x, to);
        }
    }

    private int block(int token) {
        return tokens[token] / QuantizedRows.BLOCK;
    }

    private void multiplyPairs(int[] pairs, int groups, int pairsOfGroup) {
        int[] at = tokens;
        for (int row = 0; row < PackedMatrix.TILE_ROWS; row += 2 * Lanes.COUNT) {
            TileProducts.pairs(
                    weights,
                    groups,
                    pairsOfGroup,
                    pairs,
                    QuantizedRows.PAD + at[0] / 2,
                    QuantizedRows.PAD + at[1] / 2,
                    QuantizedRows.PAD + at[2] / 2,
                    QuantizedRows.PAD + at[3] / 2,
                    row,
                    pairSums);
        }
    }

    private void scaleHalves(int blocks, int step, QuantizedRows x, int to) {
        TileScaling.addHalfPairs(
                pairSums, blocks, step, scales, x.scales, block(0), block(1), block(2), block(3), results, to);
    }

    private void multiplyFloats(int blocks, QuantizedRows x, int to) {
        for (int row = 0; row < PackedMatrix.TILE_ROWS; row += 2 * Lanes.COUNT) {
            TileProducts.floats(
                    weights, blocks, x.integers, tokens[0], tokens[1], tokens[2], tokens[3], row, floatSums);
        }
        TileScaling.addFloats(floatSums, blocks, scales, x.scales, block(0), block(1), block(2), block(3), results, to);
    }

    /** Adds the products of offsets and sums of activations of four tokens to results. */
    void addOffsets(int groups, boolean halves, QuantizedRows x, int to) {
        int columns = halves ? QuantizedRows.HALF_BLOCK : QuantizedRows.BLOCK;
        for (int row = 0; row < PackedMatrix.TILE_ROWS; row += 2 * Lanes.COUNT) {
            TileScaling.addOffsets(
                    offsets,
                    row,
                    groups,
                    halves ? x.halfSums : x.sums,
                    tokens[0] / columns,
                    tokens[1] / columns,
                    tokens[2] / columns,
                    tokens[3] / columns,
                    results,
                    to + row);
        }
    }
}
