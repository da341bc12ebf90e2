package dev.nibble.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** The memory that one thread needs to multiply by one tile of weights; it stays in the first- and second-level caches. */
final class TileWorkspace {
    /** Tokens that are multiplied at once. */
    static final int TOKENS = 4;

    private static final int ROWS = PackedMatrix.TILE_ROWS;

    private static final ThreadLocal<TileWorkspace> OF_THREAD = ThreadLocal.withInitial(TileWorkspace::new);

    /** Unpacked weights of a panel: pairs of 16 bits (block, pair, row), or floats (column, row). */
    final MemorySegment weights = Arena.ofAuto().allocate((long) PackedMatrix.PANEL * ROWS * Float.BYTES, 64);

    /** (half block or block, row): what one integer step of the weights is worth. */
    final float[] scales = new float[PackedMatrix.PANEL / 16 * ROWS];

    /** (half block or block, row): what is added to each weight. */
    final float[] offsets = new float[PackedMatrix.PANEL / 16 * ROWS];

    /** Two of (row): factors of the scales and of the offsets. */
    final float[] factors = new float[2 * ROWS];

    /** Words of bytes of a panel, looked up in a codebook. */
    final MemorySegment bytes = Arena.ofAuto().allocate((long) PackedMatrix.PANEL * ROWS, 64);

    /** A panel of points of a grid. */
    final GridPanel gridPanel = new GridPanel();

    /** (half block or block, token, row): dot products of 16 bits, of the low and the high columns of the pairs. */
    final int[] pairSums = new int[PackedMatrix.PANEL / 16 * TOKENS * ROWS];

    /** (block, token, row): dot products, exact integers. */
    final float[] floatSums = new float[PackedMatrix.PANEL / 32 * TOKENS * ROWS];

    /** (token, row): results. */
    float[] results = new float[TOKENS * ROWS];

    /** Where the columns of four tokens begin in {@link QuantizedRows#integers}. */
    final int[] tokens = new int[TOKENS];

    private TileWorkspace() {}

    /** The workspace of the calling thread, with room for results of {@code tokens}. */
    static TileWorkspace forTokens(int tokens) {
        TileWorkspace workspace = OF_THREAD.get();
        int size = Math.ceilDiv(tokens, TOKENS) * TOKENS * ROWS;
        if (workspace.results.length < size) {
            workspace.results = new float[size];
        }
        return workspace;
    }

    /** Sets the results of {@code tokens} to 0, in steps in which they are read again: a processor waits for others to be written. */
    void clear(int tokens) {
        FloatVector zero = FloatVector.zero(Lanes.FLOATS);
        int size = tokens == 1 ? ROWS : Math.ceilDiv(tokens, TOKENS) * TOKENS * ROWS;
        for (int i = 0; i < size; i += Lanes.COUNT) {
            zero.intoArray(results, i);
        }
    }

    /**
     * Multiplies unpacked weights by four tokens and adds the scaled products to results.
     *
     * @param to where the results of the first token begin
     */
    void multiply(PanelForm form, int blocks, QuantizedRows x, int to) {
        switch (form.sums()) {
            case PAIRS_OF_BLOCKS, PAIRS_OF_HALF_BLOCKS -> multiplyPairs(form.pairs(x), blocks, 16);
            case PAIRS_OF_HALF_BLOCKS_IN_TWO -> multiplyPairs(form.pairs(x), 2 * blocks, 8);
            case FLOATS_OF_BLOCKS -> multiplyFloats(x.integers, blocks);
        }
        for (int t = 0; t < TOKENS; t++) {
            scale(form.sums(), t * ROWS, blocks, x.scales, tokens[t] / QuantizedRows.BLOCK, to + t * ROWS);
        }
    }

    private void multiplyPairs(int[] pairs, int groups, int pairsOfGroup) {
        int x0 = QuantizedRows.PAD + tokens[0] / 2;
        int x1 = QuantizedRows.PAD + tokens[1] / 2;
        int x2 = QuantizedRows.PAD + tokens[2] / 2;
        int x3 = QuantizedRows.PAD + tokens[3] / 2;
        for (int row = 0; row < ROWS; row += 2 * Lanes.COUNT) {
            TileProducts.pairs(weights, groups, pairsOfGroup, pairs, x0, x1, x2, x3, row, pairSums);
        }
    }

    private void multiplyFloats(float[] x, int blocks) {
        for (int row = 0; row < ROWS; row += 2 * Lanes.COUNT) {
            TileProducts.floats(weights, blocks, x, tokens[0], tokens[1], tokens[2], tokens[3], row, floatSums);
        }
    }

    private void scale(QuantForm.Sums sums, int from, int blocks, float[] x, int xAt, int to) {
        switch (sums) {
            case PAIRS_OF_BLOCKS -> TileScaling.addPairs(pairSums, from, blocks, scales, x, xAt, results, to);
            case PAIRS_OF_HALF_BLOCKS ->
                TileScaling.addHalfPairs(pairSums, from, blocks, 1, scales, x, xAt, results, to);
            case PAIRS_OF_HALF_BLOCKS_IN_TWO ->
                TileScaling.addHalfPairs(pairSums, from, blocks, 2, scales, x, xAt, results, to);
            case FLOATS_OF_BLOCKS -> TileScaling.addFloats(floatSums, from, blocks, scales, x, xAt, results, to);
        }
    }

    /** Adds the products of offsets and sums of activations of four tokens to results. */
    void addOffsets(int groups, boolean halves, QuantizedRows x, int to) {
        int columns = halves ? QuantizedRows.HALF_BLOCK : QuantizedRows.BLOCK;
        float[] sums = halves ? x.halfSums : x.sums;
        for (int t = 0; t < TOKENS; t++) {
            TileScaling.addOffsets(offsets, groups, sums, tokens[t] / columns, results, to + t * ROWS);
        }
    }
}
