package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.floats;
import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.highHalves;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;
import static dev.nibble.device.cpu.WeightVectors.lowHalves;
import static dev.nibble.device.cpu.WeightVectors.pairs;
import static dev.nibble.device.cpu.WeightVectors.signedByte;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * One token times weights of six bits. A block of 32 columns is six words, whose low halves hold columns 0 … 15, whose high halves
 * columns 16 … 31. Of eight columns, word j of three holds columns 2 j and 2 j + 1, six bits each, and four bits of the last two: the
 * low four of column 6, the high two of columns 6 and 7, the low four of column 7. Nothing masks the numbers: see {@link
 * ShiftedActivations}. They are taken less 32: sums of eight columns lie within 8 · 32 · 127 = 32512.
 */
final class SixBitProducts {
    private static final int COEFFICIENTS = ShiftedActivations.SIX_BITS.count();
    private static final int SPARE = 16;
    private static final int START = 24;
    private static final int BLOCK_BYTES = PanelWords.LINE + 6 * PanelWords.WORD;

    private SixBitProducts() {}

    /** Panels of integer scales of half blocks, {@link ScaleForm#BYTES_OF_HALF_BLOCKS}. */
    static void bytesOfHalfBlocks(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        int[] coefficients = x.coefficients(ShiftedActivations.SIX_BITS);
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            bytesOfHalfBlocks(tile, at, blocks, coefficients, x.scales, block, workspace.results, row);
        }
    }

    private static void bytesOfHalfBlocks(
            MemorySegment tile, int offset, int blocks, int[] x, float[] xScales, int block, float[] results, int row) {
        FloatVector scaled0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector scaled1 = scaled0;
        for (int b = 0; b < blocks; b++) {
            int at = offset + PanelWords.LINE + b * BLOCK_BYTES;
            IntVector bytes = words(tile, at);
            IntVector low0 = IntVector.zero(Lanes.INTS);
            IntVector low1 = low0;
            IntVector high0 = low0;
            IntVector high1 = low0;
            int xAt = (block + b) * COEFFICIENTS;
            for (int h = 0; h < 2; h++) {
                ShortVector sum0 = broadcast(x, xAt + START + h);
                ShortVector sum1 = sum0;
                int first = at + PanelWords.LINE + 3 * h * PanelWords.WORD;
                for (int j = 0; j < 3; j++) {
                    ShortVector w0 = pairs(tile, first + j * PanelWords.WORD);
                    ShortVector w1 = pairs(tile, first + j * PanelWords.WORD + PanelWords.LINE);
                    for (int k = 0; k < 2; k++) {
                        ShortVector v = broadcast(x, xAt + 8 * h + 2 * j + k);
                        sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 6 * k).mul(v));
                        sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 6 * k).mul(v));
                    }
                    ShortVector v = broadcast(x, xAt + SPARE + 4 * h + j);
                    sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 12).mul(v));
                    sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 12).mul(v));
                }
                ShortVector v = broadcast(x, xAt + SPARE + 4 * h + 3);
                ShortVector w0 = pairs(tile, first + PanelWords.WORD);
                ShortVector w1 = pairs(tile, first + PanelWords.WORD + PanelWords.LINE);
                sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 14).mul(v));
                sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 14).mul(v));
                low0 = low0.add(lowHalves(sum0.reinterpretAsInts()));
                low1 = low1.add(lowHalves(sum1.reinterpretAsInts()));
                high0 = high0.add(highHalves(sum0.reinterpretAsInts()));
                high1 = high1.add(highHalves(sum1.reinterpretAsInts()));
            }
            FloatVector xScale = broadcast(xScales, block + b);
            low0 = low0.mul(signedByte(bytes, 0)).add(high0.mul(signedByte(bytes, 1)));
            low1 = low1.mul(signedByte(bytes, 2)).add(high1.mul(signedByte(bytes, 3)));
            scaled0 = floats(low0).fma(xScale, scaled0);
            scaled1 = floats(low1).fma(xScale, scaled1);
        }
        IntVector factors = words(tile, offset);
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, row + 16);
        result0 = scaled0.fma(lowFloats(factors), result0);
        result1 = scaled1.fma(highFloats(factors), result1);
        result0.intoArray(results, row);
        result1.intoArray(results, row + 16);
    }
}
