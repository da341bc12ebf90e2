package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

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
        int[] coefficients = x.coefficients(ShiftedActivations.TWO_BITS);
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            nibblesOfHalfBlocks(
                    tile, at, blocks, BITS, coefficients, x.scales, x.halfSums, block, workspace.results, row);
        }
    }

    private static void nibblesOfHalfBlocks(
            MemorySegment tile,
            int offset,
            int blocks,
            int bits,
            int[] x,
            float[] xScales,
            float[] xSums,
            int block,
            float[] results,
            int row) {
        FloatVector scaled0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector scaled1 = scaled0;
        FloatVector lowest0 = scaled0;
        FloatVector lowest1 = scaled0;
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
            FloatVector xScale = FloatVector.broadcast(Lanes.FLOATS, xScales[block + b]);
            FloatVector xSum = FloatVector.broadcast(Lanes.FLOATS, xSums[2 * (block + b)]);
            IntVector minima = bytes.lanewise(VectorOperators.LSHR, 4).and(15);
            lowest0 = ((FloatVector) minima.convert(VectorOperators.I2F, 0)).fma(xSum, lowest0);
            minima = bytes.lanewise(VectorOperators.LSHR, 20).and(15);
            lowest1 = ((FloatVector) minima.convert(VectorOperators.I2F, 0)).fma(xSum, lowest1);
            xSum = FloatVector.broadcast(Lanes.FLOATS, xSums[2 * (block + b) + 1]);
            minima = bytes.lanewise(VectorOperators.LSHR, 12).and(15);
            lowest0 = ((FloatVector) minima.convert(VectorOperators.I2F, 0)).fma(xSum, lowest0);
            minima = bytes.lanewise(VectorOperators.LSHR, 28);
            lowest1 = ((FloatVector) minima.convert(VectorOperators.I2F, 0)).fma(xSum, lowest1);
            IntVector low0 = bytes.and(15);
            IntVector high0 = bytes.lanewise(VectorOperators.LSHR, 8).and(15);
            IntVector low1 = bytes.lanewise(VectorOperators.LSHR, 16).and(15);
            IntVector high1 = bytes.lanewise(VectorOperators.LSHR, 24).and(15);
            at += PanelWords.LINE;
            ShortVector sum0 = ShortVector.zero(Lanes.SHORTS);
            ShortVector sum1 = sum0;
            for (int j = 0; j < WORDS; j++) {
                ShortVector w0 =
                        ShortVector.fromMemorySegment(Lanes.SHORTS, tile, at + j * PanelWords.WORD, Lanes.ORDER);
                ShortVector w1 = ShortVector.fromMemorySegment(
                        Lanes.SHORTS, tile, at + j * PanelWords.WORD + PanelWords.LINE, Lanes.ORDER);
                for (int k = 0; k < 8; k++) {
                    ShortVector v =
                            IntVector.broadcast(Lanes.INTS, x[xAt + 8 * j + k]).reinterpretAsShorts();
                    sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, bits * k).mul(v));
                    sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, bits * k).mul(v));
                }
            }
            IntVector total0 = sum0.reinterpretAsInts();
            IntVector total1 = sum1.reinterpretAsInts();
            low0 = total0.lanewise(VectorOperators.LSHL, 16)
                    .lanewise(VectorOperators.ASHR, 16)
                    .mul(low0);
            low1 = total1.lanewise(VectorOperators.LSHL, 16)
                    .lanewise(VectorOperators.ASHR, 16)
                    .mul(low1);
            total0 = total0.lanewise(VectorOperators.ASHR, 16).mul(high0).add(low0);
            total1 = total1.lanewise(VectorOperators.ASHR, 16).mul(high1).add(low1);
            scaled0 = ((FloatVector) total0.convert(VectorOperators.I2F, 0)).fma(xScale, scaled0);
            scaled1 = ((FloatVector) total1.convert(VectorOperators.I2F, 0)).fma(xScale, scaled1);
        }
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, row + 16);
        result0 = lowest0.fma(offset0, scaled0.fma(factor0, result0));
        result1 = lowest1.fma(offset1, scaled1.fma(factor1, result1));
        result0.intoArray(results, row);
        result1.intoArray(results, row + 16);
    }
}
