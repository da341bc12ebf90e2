package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.floats;
import static dev.nibble.device.cpu.WeightVectors.pairs;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Products of weights of a {@link GridForm}, which came out of a {@link GridPanel} as bytes and steps. Integers are at most 62, so that
 * 16 bits are exact for four products, and floats for those of a block, steps included: 62 · 31 · 127 · 32 is less than 2^23.
 */
final class GridProducts {
    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int COEFFICIENTS = ShiftedActivations.EIGHT_BITS.count();
    private static final int SECOND = 8;
    private static final int START = 16;
    private static final int SIGNS = 0x80808080;

    /** Handed on as an argument: for a shift that it knows, the compiler takes a register at each place. */
    private static final int BITS = 8;

    private GridProducts() {}

    /** Brings a panel to floats, (block, column, row), and scales. */
    static void unpack(GridPanel panel, int blocks, TileWorkspace workspace) {
        for (int half = 0; half < 2 * blocks; half++) {
            for (int row = 0; row < ROWS; row += Lanes.COUNT) {
                FloatVector step = floats(IntVector.fromArray(Lanes.INTS, panel.steps, half * ROWS + row));
                for (int g = 0; g < 4; g++) {
                    int word = (4 * half + g) * PanelWords.WORD;
                    IntVector w =
                            words(workspace.bytes, word + row * Integer.BYTES).lanewise(VectorOperators.XOR, SIGNS);
                    for (int i = 0; i < 4; i++) {
                        floats(WeightVectors.signedByte(w, i))
                                .mul(step)
                                .intoMemorySegment(
                                        workspace.weights,
                                        4 * word + i * PanelWords.WORD + row * Integer.BYTES,
                                        Lanes.ORDER);
                    }
                }
            }
        }
        for (int b = 0; b < blocks; b++) {
            System.arraycopy(panel.factors, 0, workspace.scales, b * ROWS, ROWS);
        }
    }

    /** Adds the products with one token to results. */
    static void multiply(
            GridPanel panel, MemorySegment bytes, int blocks, QuantizedRows x, int block, float[] results) {
        int[] coefficients = x.coefficients(ShiftedActivations.EIGHT_BITS);
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            multiply(panel, bytes, blocks, BITS, coefficients, x.scales, block, results, row);
        }
    }

    private static void multiply(
            GridPanel panel,
            MemorySegment bytes,
            int blocks,
            int bits,
            int[] x,
            float[] xScales,
            int block,
            float[] results,
            int row) {
        int[] steps = panel.steps;
        FloatVector scaled = FloatVector.zero(Lanes.FLOATS);
        for (int b = 0; b < blocks; b++) {
            IntVector total = IntVector.zero(Lanes.INTS);
            for (int half = 0; half < 2; half++) {
                int word = (8 * b + 4 * half) * PanelWords.WORD + row * Integer.BYTES;
                int xAt = (block + b) * COEFFICIENTS + 4 * half;
                IntVector sum = IntVector.zero(Lanes.INTS);
                for (int g = 0; g < 4; g += 2) {
                    // The starts of two words: what they have in the top bits of low halves cancels out.
                    ShortVector w0 = pairs(bytes, word + g * PanelWords.WORD);
                    ShortVector w1 = pairs(bytes, word + (g + 1) * PanelWords.WORD);
                    IntVector four = broadcast(x, xAt + START + g)
                            .add(broadcast(x, xAt + START + g + 1))
                            .add(w0.mul(broadcast(x, xAt + g)))
                            .add(w1.mul(broadcast(x, xAt + g + 1)))
                            .add(w0.lanewise(VectorOperators.LSHR, bits).mul(broadcast(x, xAt + SECOND + g)))
                            .add(w1.lanewise(VectorOperators.LSHR, bits).mul(broadcast(x, xAt + SECOND + g + 1)))
                            .reinterpretAsInts();
                    sum = sum.add(four.lanewise(VectorOperators.ASHR, 16))
                            .add(four.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16));
                }
                IntVector step = IntVector.fromArray(Lanes.INTS, steps, (2 * b + half) * ROWS + row);
                total = total.add(sum.mul(step));
            }
            scaled = floats(total).fma(FloatVector.broadcast(Lanes.FLOATS, xScales[block + b]), scaled);
        }
        FloatVector factor = FloatVector.fromArray(Lanes.FLOATS, panel.factors, row);
        scaled.fma(factor, FloatVector.fromArray(Lanes.FLOATS, results, row)).intoArray(results, row);
    }
}
