package dev.nibble.device.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The memory that one thread needs to multiply by one tile of weights; it stays in the first- and second-level caches. */
final class TileWorkspace {
    /** Tokens that are multiplied at once. */
    static final int TOKENS = 4;

    private static final ThreadLocal<TileWorkspace> OF_THREAD = ThreadLocal.withInitial(TileWorkspace::new);

    /** Unpacked weights of a chunk: pairs of 16 bits (block, pair, row), or floats (column, row). */
    final MemorySegment weights =
            Arena.ofAuto().allocate((long) PackedMatrix.PANEL * PackedMatrix.TILE_ROWS * Float.BYTES, 64);

    /** (half block or block, row): what one integer step of the weights is worth. */
    final float[] scales = new float[PackedMatrix.PANEL / 16 * PackedMatrix.TILE_ROWS];

    /** (half block or block, row): what is added to each weight. */
    final float[] offsets = new float[PackedMatrix.PANEL / 16 * PackedMatrix.TILE_ROWS];

    /** Two of (row): factors of the scales and of the offsets. */
    final float[] factors = new float[2 * PackedMatrix.TILE_ROWS];

    /** Words of bytes of a chunk, looked up in a codebook. */
    final MemorySegment bytes = Arena.ofAuto().allocate((long) PackedMatrix.PANEL * PackedMatrix.TILE_ROWS, 64);

    /** (half block or block, token, row): dot products of 16 bits, of the low and the high columns of the pairs. */
    final int[] pairSums = new int[PackedMatrix.PANEL / 16 * TOKENS * PackedMatrix.TILE_ROWS];

    /** (block, token, row): dot products, exact integers. */
    final float[] floatSums = new float[PackedMatrix.PANEL / 32 * TOKENS * PackedMatrix.TILE_ROWS];

    /** (token, row): results. */
    float[] results = new float[TOKENS * PackedMatrix.TILE_ROWS];

    private TileWorkspace() {}

    /** The workspace of the calling thread, with results of {@code tokens} set to 0. */
    static TileWorkspace cleared(int tokens) {
        TileWorkspace workspace = OF_THREAD.get();
        int size = tokens * PackedMatrix.TILE_ROWS;
        if (workspace.results.length < size) {
            workspace.results = new float[size];
        } else {
            Arrays.fill(workspace.results, 0, size, 0);
        }
        return workspace;
    }

    /**
     * Scales 16-bit sums and adds them to results.
     *
     * @param t which of {@code tokens} tokens the sums have been made for
     * @param firstGroup the scales' first group
     * @param groups the number of groups
     * @param halves whether they are half blocks
     * @param at where the first group's columns stand in {@link QuantizedRows#integers}
     * @param to where the token's results begin
     */
    void addPairs(int t, int tokens, int firstGroup, int groups, boolean halves, QuantizedRows x, int at, int to) {
        TileScaling.addPairs(
                pairSums,
                t * PackedMatrix.TILE_ROWS,
                tokens * PackedMatrix.TILE_ROWS,
                groups,
                scales,
                firstGroup * PackedMatrix.TILE_ROWS,
                halves ? 1 : 0,
                x.scales,
                at / QuantizedRows.BLOCK,
                results,
                to);
    }

    /** The same for whole sums of blocks. */
    void addFloats(int t, int tokens, int firstBlock, int blocks, QuantizedRows x, int at, int to) {
        TileScaling.addFloats(
                floatSums,
                t * PackedMatrix.TILE_ROWS,
                tokens * PackedMatrix.TILE_ROWS,
                blocks,
                scales,
                firstBlock * PackedMatrix.TILE_ROWS,
                x.scales,
                at / QuantizedRows.BLOCK,
                results,
                to);
    }

    /** Adds the products of offsets and sums of activations to results. */
    void addOffsets(int firstGroup, int groups, boolean halves, QuantizedRows x, int at, int to) {
        TileScaling.addOffsets(
                offsets,
                firstGroup * PackedMatrix.TILE_ROWS,
                groups,
                halves ? 0 : 1,
                x.sums,
                at / QuantizedRows.HALF_BLOCK,
                results,
                to);
    }
}
