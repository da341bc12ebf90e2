package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.floats;
import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.highHalves;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;
import static dev.nibble.device.cpu.WeightVectors.pairs;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Weights of eight bits, stored as bytes from 0 on, 128 means 0. A block of 32 columns is eight words: byte i of word g holds column
 * 4 g + i.
 *
 * <p>Nothing masks the numbers: see {@link ShiftedActivations}. The sum of two products lies within 2 · 128 · 127 = 32512, so 16 bits
 * are exact; such sums are added up in 32 bits, as pairs. In the low halves of pairs 2^15 is added, so that they are not negative and
 * do not borrow from the high ones.
 */
final class EightBitProducts {
    /** Handed on as an argument: for a shift that it knows, the compiler takes a register at each place. */
    private static final int BITS = 8;

    /** Bytes of a block of a tile, without its scale. */
    static final int BLOCK_BYTES = 8 * PanelWords.WORD;

    private static final int WORDS = 8;
    private static final int COEFFICIENTS = ShiftedActivations.EIGHT_BITS.count();
    private static final int SECOND = 8;
    private static final int START = 16;
    private static final int SIGNS = 0x80808080;

    /** What is added to the low halves of the eight sums. */
    private static final int ADDED = WORDS << 15;

    private EightBitProducts() {}

    /** Unpacks a block to floats, (column, row). */
    static void unpack(MemorySegment tile, int offset, MemorySegment floats, int at) {
        for (int g = 0; g < WORDS; g++) {
            int target = at + 4 * g * PanelWords.WORD;
            for (int row = 0; row < PanelWords.WORD; row += Lanes.BYTES) {
                IntVector w = words(tile, offset + g * PanelWords.WORD + row).lanewise(VectorOperators.XOR, SIGNS);
                for (int i = 0; i < 4; i++) {
                    floats(WeightVectors.signedByte(w, i))
                            .intoMemorySegment(floats, target + i * PanelWords.WORD + row, Lanes.ORDER);
                }
            }
        }
    }

    /** Panels of half precision scales, {@link ScaleForm#HALVES}, times one token. */
    static void halves(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        int[] coefficients = x.coefficients(ShiftedActivations.EIGHT_BITS);
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            halves(tile, at, blocks, BITS, coefficients, x.scales, block, workspace.results, row);
        }
    }

    private static void halves(
            MemorySegment tile,
            int offset,
            int blocks,
            int bits,
            int[] x,
            float[] xScales,
            int block,
            float[] results,
            int row) {
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, row + 16);
        for (int b = 0; b < blocks; b++) {
            int at = offset + b * (PanelWords.LINE + BLOCK_BYTES);
            int xAt = (block + b) * COEFFICIENTS;
            IntVector halves = words(tile, at);
            FloatVector scale0 = lowFloats(halves).mul(xScales[block + b]);
            FloatVector scale1 = highFloats(halves).mul(xScales[block + b]);
            IntVector sum0 = IntVector.broadcast(Lanes.INTS, -ADDED);
            IntVector sum1 = sum0;
            IntVector high0 = IntVector.zero(Lanes.INTS);
            IntVector high1 = high0;
            for (int g = 0; g < WORDS; g++) {
                int word = at + PanelWords.LINE + g * PanelWords.WORD;
                ShortVector first = broadcast(x, xAt + g);
                ShortVector second = broadcast(x, xAt + SECOND + g);
                ShortVector start = broadcast(x, xAt + START + g);
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
            result0 = ((FloatVector) sum0.convert(VectorOperators.I2F, 0)).fma(scale0, result0);
            result1 = ((FloatVector) sum1.convert(VectorOperators.I2F, 0)).fma(scale1, result1);
        }
        result0.intoArray(results, row);
        result1.intoArray(results, row + 16);
    }

    private static IntVector twoProducts(ShortVector w, ShortVector first, ShortVector second, ShortVector start) {
        return w.mul(first)
                .add(w.lanewise(VectorOperators.LSHR, 8).mul(second))
                .add(start)
                .reinterpretAsInts();
    }

    /** The sum of low and high halves, of the sum of pairs taken as integers and of the sum of the high halves alone. */
    private static IntVector total(IntVector sum, IntVector high) {
        return sum.sub(high.lanewise(VectorOperators.LSHL, 16)).add(high);
    }

    /**
     * Blocks without scales times one token.
     *
     * @param offset where they begin; they follow one another
     * @param scales (block, row)
     */
    static void scaledBy(float[] scales, MemorySegment bytes, int blocks, QuantizedRows x, int block, float[] results) {
        int[] coefficients = x.coefficients(ShiftedActivations.EIGHT_BITS);
        for (int row = 0; row < PackedMatrix.TILE_ROWS; row += Lanes.COUNT) {
            FloatVector result = FloatVector.fromArray(Lanes.FLOATS, results, row);
            for (int b = 0; b < blocks; b++) {
                int xAt = (block + b) * COEFFICIENTS;
                IntVector sum = IntVector.broadcast(Lanes.INTS, -ADDED);
                IntVector high = IntVector.zero(Lanes.INTS);
                for (int g = 0; g < WORDS; g++) {
                    IntVector two = twoProducts(
                            pairs(bytes, b * BLOCK_BYTES + g * PanelWords.WORD + row * Integer.BYTES),
                            broadcast(coefficients, xAt + g),
                            broadcast(coefficients, xAt + SECOND + g),
                            broadcast(coefficients, xAt + START + g));
                    sum = sum.add(two);
                    high = high.add(highHalves(two));
                }
                FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, b * PackedMatrix.TILE_ROWS + row);
                result = floats(total(sum, high)).mul(scale).fma(broadcast(x.scales, block + b), result);
            }
            result.intoArray(results, row);
        }
    }
}
