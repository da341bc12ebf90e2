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
 * One token times weights of six bits. A block of 32 columns is six words, whose low halves hold columns 0 … 15, whose high halves
 * columns 16 … 31. Of eight columns, word j of three holds columns 2 j and 2 j + 1, six bits each, and four bits of the last two: the
 * low four of column 6, the high two of columns 6 and 7, the low four of column 7. Nothing masks the numbers: see {@link
 * ShiftedActivations}. They are taken less 32: sums of eight columns lie within 8 · 32 · 127 = 32512.
 */
final class SixBitProducts {
    /** Handed on as an argument: for a shift that it knows, the compiler takes a register at each place. */
    private static final int BITS = 6;

    private static final int COEFFICIENTS = ShiftedActivations.SIX_BITS.count();
    private static final int SPARE = 16;
    private static final int START = 24;
    private static final int BLOCK_BYTES = PanelWords.LINE + 6 * PanelWords.WORD;

    private SixBitProducts() {}

    /** Panels of integer scales of half blocks, {@link ScaleForm#BYTES_OF_HALF_BLOCKS}. */
    static void bytesOfHalfBlocks(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            bytesOfHalfBlocks(tile, at, blocks, BITS, x, block, workspace.results, row);
        }
    }

    private static void bytesOfHalfBlocks(
            MemorySegment tile, int offset, int blocks, int bits, QuantizedRows x, int block, float[] out, int row) {
        int[] coefficients = x.coefficients(ShiftedActivations.SIX_BITS);
        IntVector factors = IntVector.fromMemorySegment(Lanes.INTS, tile, offset, Lanes.ORDER);
        FloatVector factor0 = lowFloats(factors);
        FloatVector factor1 = highFloats(factors);
        FloatVector scaled0 = FloatVector.zero(Lanes.FLOATS), scaled1 = scaled0;
        for (int b = 0; b < blocks; b++) {
            int at = offset + PanelWords.LINE + b * BLOCK_BYTES;
            IntVector bytes = IntVector.fromMemorySegment(Lanes.INTS, tile, at, Lanes.ORDER);
            IntVector lowScale0 = signedByte(bytes, 0);
            IntVector highScale0 = signedByte(bytes, 1);
            IntVector lowScale1 = signedByte(bytes, 2);
            IntVector highScale1 = signedByte(bytes, 3);
            FloatVector xScale = FloatVector.broadcast(Lanes.FLOATS, x.scales[block + b]);
            IntVector total0 = IntVector.zero(Lanes.INTS), total1 = total0;
            int xAt = (block + b) * COEFFICIENTS;
            for (int h = 0; h < 2; h++) {
                ShortVector sum0 = IntVector.broadcast(Lanes.INTS, coefficients[xAt + START + h])
                        .reinterpretAsShorts();
                ShortVector sum1 = sum0;
                int first = at + PanelWords.LINE + 3 * h * PanelWords.WORD;
                for (int j = 0; j < 3; j++) {
                    int word = first + j * PanelWords.WORD;
                    ShortVector w0 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word, Lanes.ORDER);
                    ShortVector w1 =
                            ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word + PanelWords.LINE, Lanes.ORDER);
                    for (int k = 0; k < 2; k++) {
                        ShortVector v = IntVector.broadcast(Lanes.INTS, coefficients[xAt + 8 * h + 2 * j + k])
                                .reinterpretAsShorts();
                        sum0 = sum0.add(w0.lanewise(LSHR, bits * k).mul(v));
                        sum1 = sum1.add(w1.lanewise(LSHR, bits * k).mul(v));
                    }
                    ShortVector v = IntVector.broadcast(Lanes.INTS, coefficients[xAt + SPARE + 4 * h + j])
                            .reinterpretAsShorts();
                    sum0 = sum0.add(w0.lanewise(LSHR, 2 * bits).mul(v));
                    sum1 = sum1.add(w1.lanewise(LSHR, 2 * bits).mul(v));
                }
                ShortVector v = IntVector.broadcast(Lanes.INTS, coefficients[xAt + SPARE + 4 * h + 3])
                        .reinterpretAsShorts();
                int word = first + PanelWords.WORD;
                ShortVector w0 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word, Lanes.ORDER);
                ShortVector w1 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word + PanelWords.LINE, Lanes.ORDER);
                sum0 = sum0.add(w0.lanewise(LSHR, 2 * bits + 2).mul(v));
                sum1 = sum1.add(w1.lanewise(LSHR, 2 * bits + 2).mul(v));
                IntVector sums0 = sum0.reinterpretAsInts();
                IntVector sums1 = sum1.reinterpretAsInts();
                total0 = total0.add(sums0.lanewise(ASHR, 16).mul(highScale0));
                total1 = total1.add(sums1.lanewise(ASHR, 16).mul(highScale1));
                total0 = total0.add(sums0.lanewise(LSHL, 16).lanewise(ASHR, 16).mul(lowScale0));
                total1 = total1.add(sums1.lanewise(LSHL, 16).lanewise(ASHR, 16).mul(lowScale1));
            }
            scaled0 = ((FloatVector) total0.convert(I2F, 0)).fma(xScale, scaled0);
            scaled1 = ((FloatVector) total1.convert(I2F, 0)).fma(xScale, scaled1);
        }
        scaled0 = scaled0.fma(factor0, FloatVector.fromArray(Lanes.FLOATS, out, row));
        scaled1 = scaled1.fma(factor1, FloatVector.fromArray(Lanes.FLOATS, out, row + 16));
        scaled0.intoArray(out, row);
        scaled1.intoArray(out, row + 16);
    }
}
