package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.pairs;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Sums of products of int8, exact, of a tile of 32 rows. One input is multiplied straight from the bytes, as in {@link
 * EightBitProducts}; for several, 256 columns are unpacked to floats, whose sums stay below 2^24, while the inputs pass in groups
 * of four.
 */
final class FixedPointProducts {
    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int BLOCK = FixedPointTiles.BLOCK;
    private static final int PANEL_BLOCKS = PackedMatrix.PANEL / BLOCK;
    private static final int PANEL_WORDS = PackedMatrix.PANEL / 4;
    private static final int INPUTS = TileWorkspace.TOKENS;

    /** Handed on as an argument: for a shift that it knows, the compiler takes a register at each place. */
    private static final int BITS = 8;

    private FixedPointProducts() {}

    /**
     * Multiplies a tile by one input.
     *
     * @param words words of four columns
     * @param xAt where the input's coefficients begin
     * @param sums receives (row)
     */
    static void one(MemorySegment tile, int words, int[] x, int xAt, int[] sums) {
        IntVector zero = IntVector.zero(Lanes.INTS);
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            zero.intoArray(sums, row);
        }
        for (int word = 0; word < words; word += PANEL_WORDS) {
            int count = Math.min(PANEL_WORDS, words - word);
            for (int row = 0; row < ROWS / 2; row += Lanes.COUNT) {
                int at = word * PanelWords.WORD + row * Integer.BYTES;
                add(tile, at, count, BITS, x, xAt + word * FixedPointRows.COEFFICIENTS, sums, row);
            }
        }
    }

    private static void add(MemorySegment tile, int at, int words, int bits, int[] x, int xAt, int[] sums, int row) {
        // 2^15 was added to the low half of each pair of sums.
        IntVector sum0 = IntVector.broadcast(Lanes.INTS, -words << 15);
        IntVector sum1 = sum0;
        IntVector high0 = IntVector.zero(Lanes.INTS);
        IntVector high1 = high0;
        for (int g = 0; g < words; g++) {
            int word = at + g * PanelWords.WORD;
            int coefficients = xAt + g * FixedPointRows.COEFFICIENTS;
            ShortVector first = broadcast(x, coefficients);
            ShortVector second = broadcast(x, coefficients + 1);
            ShortVector start = broadcast(x, coefficients + 2);
            ShortVector w0 = pairs(tile, word);
            ShortVector w1 = pairs(tile, word + PanelWords.LINE);
            ShortVector two = start.add(w0.mul(first))
                    .add(w0.lanewise(VectorOperators.LSHR, bits).mul(second));
            sum0 = sum0.add(two.reinterpretAsInts());
            high0 = high0.add(two.reinterpretAsInts().lanewise(VectorOperators.ASHR, 16));
            two = start.add(w1.mul(first))
                    .add(w1.lanewise(VectorOperators.LSHR, bits).mul(second));
            sum1 = sum1.add(two.reinterpretAsInts());
            high1 = high1.add(two.reinterpretAsInts().lanewise(VectorOperators.ASHR, 16));
        }
        sum0 = sum0.sub(high0.lanewise(VectorOperators.LSHL, 16)).add(high0);
        sum1 = sum1.sub(high1.lanewise(VectorOperators.LSHL, 16)).add(high1);
        sum0.add(IntVector.fromArray(Lanes.INTS, sums, row)).intoArray(sums, row);
        sum1.add(IntVector.fromArray(Lanes.INTS, sums, row + ROWS / 2)).intoArray(sums, row + ROWS / 2);
    }

    /**
     * Multiplies a tile by inputs.
     *
     * @param blocks blocks of 32 columns
     * @param selection which inputs
     * @param workspace of the calling thread; scratch memory
     * @param sums receives (input, row); inputs are filled up to a multiple of four
     */
    static void several(
            MemorySegment tile,
            int blocks,
            FixedPointRows x,
            RowSelection selection,
            TileWorkspace workspace,
            int[] sums) {
        int filled = Math.ceilDiv(selection.count(), INPUTS) * INPUTS * ROWS;
        for (int i = 0; i < filled; i += Lanes.COUNT) {
            IntVector.zero(Lanes.INTS).intoArray(sums, i);
        }
        for (int block = 0; block < blocks; block += PANEL_BLOCKS) {
            int count = Math.min(PANEL_BLOCKS, blocks - block);
            for (int b = 0; b < count; b++) {
                int from = (block + b) * EightBitProducts.BLOCK_BYTES;
                EightBitProducts.unpack(tile, from, workspace.weights, b * BLOCK * ROWS * Float.BYTES);
            }
            for (int input = 0; input < selection.count(); input += INPUTS) {
                multiply(x, selection, input, block * BLOCK, count, workspace);
                for (int i = 0; i < INPUTS; i++) {
                    add(workspace.floatSums, i * ROWS, count, sums, (input + i) * ROWS);
                }
            }
        }
    }

    /** Multiplies four inputs; beyond the last, the last is taken again, whose sums nobody reads. */
    private static void multiply(
            FixedPointRows x, RowSelection selection, int input, int column, int blocks, TileWorkspace workspace) {
        int[] at = workspace.tokens;
        for (int i = 0; i < INPUTS; i++) {
            at[i] = x.at(selection.input(Math.min(input + i, selection.count() - 1))) + column;
        }
        for (int row = 0; row < ROWS; row += 2 * Lanes.COUNT) {
            TileProducts.floats(
                    workspace.weights, blocks, x.integers, at[0], at[1], at[2], at[3], row, workspace.floatSums);
        }
    }

    /** Adds the sums of blocks, (block, input, row); those of a panel are exact as floats. */
    private static void add(float[] blockSums, int from, int blocks, int[] sums, int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector sum = FloatVector.fromArray(Lanes.FLOATS, blockSums, from + row);
            for (int b = 1; b < blocks; b++) {
                sum = sum.add(FloatVector.fromArray(Lanes.FLOATS, blockSums, from + b * INPUTS * ROWS + row));
            }
            ((IntVector) sum.convert(VectorOperators.F2I, 0))
                    .add(IntVector.fromArray(Lanes.INTS, sums, to + row))
                    .intoArray(sums, to + row);
        }
    }
}
