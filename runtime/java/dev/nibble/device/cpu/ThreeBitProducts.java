package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;
import static dev.nibble.device.cpu.WeightVectors.signedByte;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * One token times weights of three bits. A block of 32 columns is three words: the low half of word j holds columns 4 j and 4 j + 1 in
 * the low six bits of its first byte, 4 j + 2 and 4 j + 3 in those of its second; the high half the same of columns 16 … 31. The upper
 * two bits of these bytes hold the low bits of columns 12 and 13 in word 0 and of 14 and 15 in word 1; in word 2, the top bits of 12
 * and 14, and of 13 and 15. Nothing masks the numbers: see {@link ShiftedActivations}. They are taken less 4: sums of a half lie within
 * 16 · 4 · 127 = 8128.
 */
final class ThreeBitProducts {
    private static final int BITS = 3;

    /** The third field of a byte has two bits of its own. */
    private static final int THIRD = 2;

    private static final int WORDS = 3;
    private static final int COEFFICIENTS = ShiftedActivations.THREE_BITS.count();
    private static final int FIELDS = 6;
    private static final int SPARE = FIELDS * WORDS;
    private static final int START = SPARE + 2;
    private static final int BLOCK_BYTES = PanelWords.LINE + WORDS * PanelWords.WORD;

    private ThreeBitProducts() {}

    /** Panels of integer scales of half blocks, {@link ScaleForm#BYTES_OF_HALF_BLOCKS}. */
    static void bytesOfHalfBlocks(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            bytesOfHalfBlocks(tile, at, blocks, x, block, workspace.results, row);
        }
    }

    private static void bytesOfHalfBlocks(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, float[] out, int row) {
        int[] coefficients = x.coefficients(ShiftedActivations.THREE_BITS);
        FloatVector scaled0 = FloatVector.zero(Lanes.FLOATS), scaled1 = scaled0;
        IntVector factors = IntVector.fromMemorySegment(Lanes.INTS, tile, offset, Lanes.ORDER);
        FloatVector factor0 = lowFloats(factors);
        FloatVector factor1 = highFloats(factors);
        for (int b = 0; b < blocks; b++) {
            int at = offset + PanelWords.LINE + b * BLOCK_BYTES;
            int xAt = (block + b) * COEFFICIENTS;
            IntVector scales = IntVector.fromMemorySegment(Lanes.INTS, tile, at, Lanes.ORDER);
            FloatVector xScale = FloatVector.broadcast(Lanes.FLOATS, x.scales[block + b]);
            IntVector low0 = signedByte(scales, 0);
            IntVector high0 = signedByte(scales, 1);
            IntVector low1 = signedByte(scales, 2);
            IntVector high1 = signedByte(scales, 3);
            at += PanelWords.LINE;
            ShortVector sum0 =
                    IntVector.broadcast(Lanes.INTS, coefficients[xAt + START]).reinterpretAsShorts();
            ShortVector sum1 = sum0;
            for (int j = 0; j < WORDS; j++) {
                int word = at + j * PanelWords.WORD;
                ShortVector w0 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word, Lanes.ORDER);
                ShortVector w1 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word + PanelWords.LINE, Lanes.ORDER);
                for (int k = 0; k < FIELDS; k++) {
                    ShortVector v = IntVector.broadcast(Lanes.INTS, coefficients[xAt + FIELDS * j + k])
                            .reinterpretAsShorts();
                    sum0 = sum0.add(w0.mul(v));
                    sum1 = sum1.add(w1.mul(v));
                    w0 = w0.lanewise(LSHR, k == 2 ? THIRD : BITS);
                    w1 = w1.lanewise(LSHR, k == 2 ? THIRD : BITS);
                }
            }
            for (int k = 0; k < 2; k++) {
                int word = at + (WORDS - 1) * PanelWords.WORD;
                ShortVector w0 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word, Lanes.ORDER);
                ShortVector w1 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word + PanelWords.LINE, Lanes.ORDER);
                ShortVector v = IntVector.broadcast(Lanes.INTS, coefficients[xAt + SPARE + k])
                        .reinterpretAsShorts();
                int shift = 8 * k + 7;
                sum0 = sum0.add(w0.lanewise(LSHR, shift).mul(v));
                sum1 = sum1.add(w1.lanewise(LSHR, shift).mul(v));
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
        result0 = scaled0.fma(factor0, result0);
        result1 = scaled1.fma(factor1, result1);
        result0.intoArray(out, row);
        result1.intoArray(out, row + 16);
    }
}
