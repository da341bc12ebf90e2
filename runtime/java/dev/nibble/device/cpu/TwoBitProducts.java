package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * One token times weights of two bits. A block of 32 columns is two words: the low half of word j holds columns 8 j … 8 j + 7, two bits
 * each, the high half the same of columns 16 … 31. Nothing masks the numbers: see {@link ShiftedActivations}.
 */
final class TwoBitProducts {
    /** Handed on as an argument: for a shift that it knows, the compiler takes a register at each place. */
    private static final int BITS = 2;

    private static final int WORDS = 2;
    private static final int COEFFICIENTS = ShiftedActivations.TWO_BITS.count();
    private static final int BLOCK_BYTES = PanelWords.LINE + WORDS * PanelWords.WORD;

    private TwoBitProducts() {}

    /** Panels of integer scales and minima of half blocks, {@link ScaleForm#NIBBLES_OF_HALF_BLOCKS}. */
    static void nibblesOfHalfBlocks(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            nibblesOfHalfBlocks(tile, at, blocks, BITS, x, block, workspace.results, row);
        }
    }

    private static void nibblesOfHalfBlocks(
            MemorySegment tile, int offset, int blocks, int bits, QuantizedRows x, int block, float[] out, int row) {
        int[] coefficients = x.coefficients(ShiftedActivations.TWO_BITS);
        FloatVector scaled0 = FloatVector.zero(Lanes.FLOATS), scaled1 = scaled0;
        FloatVector lowest0 = scaled0, lowest1 = scaled0;
        IntVector factors = IntVector.fromMemorySegment(Lanes.INTS, tile, offset, Lanes.ORDER);
        FloatVector factor0 = lowFloats(factors);
        FloatVector factor1 = highFloats(factors);
        IntVector offsets = IntVector.fromMemorySegment(Lanes.INTS, tile, offset + PanelWords.LINE, Lanes.ORDER);
        FloatVector offset0 = lowFloats(offsets);
        FloatVector offset1 = highFloats(offsets);
        for (int b = 0; b < blocks; b++) {
            int at = offset + 2 * PanelWords.LINE + b * BLOCK_BYTES;
            int xAt = (block + b) * COEFFICIENTS;
            IntVector bytes = IntVector.fromMemorySegment(Lanes.INTS, tile, at, Lanes.ORDER);
            FloatVector xScale = FloatVector.broadcast(Lanes.FLOATS, x.scales[block + b]);
            FloatVector xSum = FloatVector.broadcast(Lanes.FLOATS, x.halfSums[2 * (block + b)]);
            IntVector minima = bytes.lanewise(LSHR, 4).and(15);
            lowest0 = ((FloatVector) minima.convert(I2F, 0)).fma(xSum, lowest0);
            minima = bytes.lanewise(LSHR, 20).and(15);
            lowest1 = ((FloatVector) minima.convert(I2F, 0)).fma(xSum, lowest1);
            xSum = FloatVector.broadcast(Lanes.FLOATS, x.halfSums[2 * (block + b) + 1]);
            minima = bytes.lanewise(LSHR, 12).and(15);
            lowest0 = ((FloatVector) minima.convert(I2F, 0)).fma(xSum, lowest0);
            minima = bytes.lanewise(LSHR, 28);
            lowest1 = ((FloatVector) minima.convert(I2F, 0)).fma(xSum, lowest1);
            IntVector low0 = bytes.and(15);
            IntVector high0 = bytes.lanewise(LSHR, 8).and(15);
            IntVector low1 = bytes.lanewise(LSHR, 16).and(15);
            IntVector high1 = bytes.lanewise(LSHR, 24).and(15);
            at += PanelWords.LINE;
            ShortVector sum0 = ShortVector.zero(Lanes.SHORTS);
            ShortVector sum1 = sum0;
            for (int j = 0; j < WORDS; j++) {
                int word = at + j * PanelWords.WORD;
                ShortVector w0 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word, Lanes.ORDER);
                ShortVector w1 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word + PanelWords.LINE, Lanes.ORDER);
                for (int k = 0; k < 8; k++) {
                    ShortVector v = IntVector.broadcast(Lanes.INTS, coefficients[xAt + 8 * j + k])
                            .reinterpretAsShorts();
                    sum0 = sum0.add(w0.lanewise(LSHR, bits * k).mul(v));
                    sum1 = sum1.add(w1.lanewise(LSHR, bits * k).mul(v));
                }
            }
            IntVector total0 = sum0.reinterpretAsInts();
            IntVector total1 = sum1.reinterpretAsInts();
            low0 = total0.lanewise(LSHL, 16).lanewise(ASHR, 16).mul(low0);
            low1 = total1.lanewise(LSHL, 16).lanewise(ASHR, 16).mul(low1);
            total0 = total0.lanewise(ASHR, 16).mul(high0).add(low0);
            total1 = total1.lanewise(ASHR, 16).mul(high1).add(low1);
            scaled0 = ((FloatVector) total0.convert(I2F, 0)).fma(xScale, scaled0);
            scaled1 = ((FloatVector) total1.convert(I2F, 0)).fma(xScale, scaled1);
        }
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, out, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, out, row + 16);
        result0 = lowest0.fma(offset0, scaled0.fma(factor0, result0));
        result1 = lowest1.fma(offset1, scaled1.fma(factor1, result1));
        result0.intoArray(out, row);
        result1.intoArray(out, row + 16);
    }
}
