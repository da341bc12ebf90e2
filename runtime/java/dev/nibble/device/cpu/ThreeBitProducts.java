package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;
import static dev.nibble.device.cpu.WeightVectors.signedByte;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * One token times weights of three bits. A block of 32 columns is three words: the low half of word j holds columns 5 j … 5 j + 4,
 * three bits each, and bit j of column 15; the high half the same of columns 16 … 31. Nothing masks the numbers: see {@link
 * ShiftedActivations}. They are taken less 4: sums of a half lie within 16 · 4 · 127 = 8128.
 */
final class ThreeBitProducts {
    /** Handed on as an argument: for a shift that it knows, the compiler takes a register at each place. */
    private static final int BITS = 3;

    private static final int WORDS = 3;
    private static final int COEFFICIENTS = ShiftedActivations.THREE_BITS.count();
    private static final int SPARE = 15;
    private static final int START = SPARE + WORDS;
    private static final int BLOCK_BYTES = PanelWords.LINE + WORDS * PanelWords.WORD;

    private ThreeBitProducts() {}

    /** Panels of integer scales of half blocks, {@link ScaleForm#BYTES_OF_HALF_BLOCKS}. */
    static void bytesOfHalfBlocks(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        int[] coefficients = x.coefficients(ShiftedActivations.THREE_BITS);
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            bytesOfHalfBlocks(tile, at, blocks, BITS, coefficients, x.scales, block, workspace.results, row);
        }
    }

    private static void bytesOfHalfBlocks(
            MemorySegment tile,
            int offset,
            int blocks,
            int bits,
            int[] x,
            float[] xScales,
            int block,
            float[] results,
            int row) {
        FloatVector scaled0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector scaled1 = scaled0;
        IntVector factors = IntVector.fromMemorySegment(Lanes.INTS, tile, offset, Lanes.ORDER);
        FloatVector factor0 = lowFloats(factors);
        FloatVector factor1 = highFloats(factors);
        for (int b = 0; b < blocks; b++) {
            int at = offset + PanelWords.LINE + b * BLOCK_BYTES;
            int xAt = (block + b) * COEFFICIENTS;
            IntVector bytes = IntVector.fromMemorySegment(Lanes.INTS, tile, at, Lanes.ORDER);
            FloatVector xScale = FloatVector.broadcast(Lanes.FLOATS, xScales[block + b]);
            IntVector low0 = signedByte(bytes, 0);
            IntVector high0 = signedByte(bytes, 1);
            IntVector low1 = signedByte(bytes, 2);
            IntVector high1 = signedByte(bytes, 3);
            at += PanelWords.LINE;
            ShortVector sum0 = IntVector.broadcast(Lanes.INTS, x[xAt + START]).reinterpretAsShorts();
            ShortVector sum1 = sum0;
            for (int j = 0; j < WORDS; j++) {
                ShortVector w0 =
                        ShortVector.fromMemorySegment(Lanes.SHORTS, tile, at + j * PanelWords.WORD, Lanes.ORDER);
                ShortVector w1 = ShortVector.fromMemorySegment(
                        Lanes.SHORTS, tile, at + j * PanelWords.WORD + PanelWords.LINE, Lanes.ORDER);
                for (int k = 0; k < 5; k++) {
                    ShortVector v =
                            IntVector.broadcast(Lanes.INTS, x[xAt + 5 * j + k]).reinterpretAsShorts();
                    sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, bits * k).mul(v));
                    sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, bits * k).mul(v));
                }
                ShortVector v =
                        IntVector.broadcast(Lanes.INTS, x[xAt + SPARE + j]).reinterpretAsShorts();
                sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 5 * bits).mul(v));
                sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 5 * bits).mul(v));
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
        result0 = scaled0.fma(factor0, result0);
        result1 = scaled1.fma(factor1, result1);
        result0.intoArray(results, row);
        result1.intoArray(results, row + 16);
    }
}
