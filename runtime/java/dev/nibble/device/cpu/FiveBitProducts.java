package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.addHalves;
import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.floats;
import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;
import static dev.nibble.device.cpu.WeightVectors.pairs;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * One token times weights of five bits. A block of 32 columns is five words: the low half of word j holds columns 3 j … 3 j + 2, five
 * bits each, and bit j of column 15; the high half the same of columns 16 … 31. Nothing masks the numbers: see {@link
 * ShiftedActivations}. They are taken less 16: sums of a half lie within 16 · 16 · 127 = 32512.
 */
final class FiveBitProducts {
    private static final int WORDS = 5;
    private static final int COEFFICIENTS = ShiftedActivations.FIVE_BITS.count();
    private static final int SPARE = 15;
    private static final int START = SPARE + WORDS;
    private static final int MORE = START + 1;
    private static final int BLOCK_BYTES = PanelWords.LINE + WORDS * PanelWords.WORD;

    private FiveBitProducts() {}

    /** Panels of half precision scales, {@link ScaleForm#HALVES}. */
    static void halves(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        halves(tile, offset, blocks, 1, x, block, workspace);
    }

    /** Panels of half precision scales and offsets, {@link ScaleForm#HALVES_AND_OFFSETS}. */
    static void halvesAndOffsets(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        halves(tile, offset, blocks, 2, x, block, workspace);
    }

    private static void halves(
            MemorySegment tile,
            int offset,
            int blocks,
            int lines,
            QuantizedRows x,
            int block,
            TileWorkspace workspace) {
        int[] coefficients = x.coefficients(ShiftedActivations.FIVE_BITS);
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            halves(tile, at, blocks, lines, coefficients, x.scales, x.sums, block, workspace.results, row);
        }
    }

    private static void halves(
            MemorySegment tile,
            int offset,
            int blocks,
            int lines,
            int[] x,
            float[] xScales,
            float[] xSums,
            int block,
            float[] results,
            int row) {
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, row + 16);
        for (int b = 0; b < blocks; b++) {
            int at = offset + b * (lines * PanelWords.LINE + WORDS * PanelWords.WORD);
            int xAt = (block + b) * COEFFICIENTS;
            IntVector halves = words(tile, at);
            FloatVector scale0 = lowFloats(halves);
            FloatVector scale1 = highFloats(halves);
            if (lines == 2) {
                halves = words(tile, at + PanelWords.LINE);
                FloatVector xSum = broadcast(xSums, block + b);
                result0 = scale0.mul(16).add(lowFloats(halves)).fma(xSum, result0);
                result1 = scale1.mul(16).add(highFloats(halves)).fma(xSum, result1);
            }
            at += lines * PanelWords.LINE;
            ShortVector sum0 = broadcast(x, xAt + START);
            ShortVector sum1 = sum0;
            for (int j = 0; j < WORDS; j++) {
                ShortVector w0 = pairs(tile, at + j * PanelWords.WORD);
                ShortVector w1 = pairs(tile, at + j * PanelWords.WORD + PanelWords.LINE);
                for (int k = 0; k < 3; k++) {
                    ShortVector v = broadcast(x, xAt + 3 * j + k);
                    sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 5 * k).mul(v));
                    sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 5 * k).mul(v));
                }
                ShortVector v = broadcast(x, xAt + SPARE + j);
                sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 15).mul(v));
                sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 15).mul(v));
            }
            FloatVector xScale = broadcast(xScales, block + b);
            result0 = floats(addHalves(sum0.reinterpretAsInts())).mul(scale0).fma(xScale, result0);
            result1 = floats(addHalves(sum1.reinterpretAsInts())).mul(scale1).fma(xScale, result1);
        }
        result0.intoArray(results, row);
        result1.intoArray(results, row + 16);
    }

    /** Panels of integer scales and minima, {@link ScaleForm#BYTES_AND_MINIMA}. */
    static void bytesAndMinima(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        int[] coefficients = x.coefficients(ShiftedActivations.FIVE_BITS);
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            bytesAndMinima(tile, at, blocks, coefficients, x.scales, x.sums, block, workspace.results, row);
        }
    }

    private static void bytesAndMinima(
            MemorySegment tile,
            int offset,
            int blocks,
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
        for (int b = 0; b < blocks; b++) {
            int at = offset + 2 * PanelWords.LINE + b * BLOCK_BYTES;
            int xAt = (block + b) * COEFFICIENTS;
            IntVector bytes = words(tile, at);
            FloatVector xSum = broadcast(xSums, block + b);
            lowest0 = floats(bytes.lanewise(VectorOperators.LSHR, 8).and(0xff)).fma(xSum, lowest0);
            lowest1 = floats(bytes.lanewise(VectorOperators.LSHR, 24)).fma(xSum, lowest1);
            IntVector scale0 = bytes.and(0xff);
            IntVector scale1 = bytes.lanewise(VectorOperators.LSHR, 16).and(0xff);
            at += PanelWords.LINE;
            ShortVector sum0 = broadcast(x, xAt + START);
            ShortVector sum1 = sum0;
            for (int j = 0; j < WORDS; j++) {
                ShortVector w0 = pairs(tile, at + j * PanelWords.WORD);
                ShortVector w1 = pairs(tile, at + j * PanelWords.WORD + PanelWords.LINE);
                for (int k = 0; k < 3; k++) {
                    ShortVector v = broadcast(x, xAt + 3 * j + k);
                    sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 5 * k).mul(v));
                    sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 5 * k).mul(v));
                }
                ShortVector v = broadcast(x, xAt + SPARE + j);
                sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 15).mul(v));
                sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 15).mul(v));
            }
            IntVector more = IntVector.broadcast(Lanes.INTS, x[xAt + MORE]);
            FloatVector xScale = broadcast(xScales, block + b);
            scaled0 = floats(addHalves(sum0.reinterpretAsInts()).add(more).mul(scale0))
                    .fma(xScale, scaled0);
            scaled1 = floats(addHalves(sum1.reinterpretAsInts()).add(more).mul(scale1))
                    .fma(xScale, scaled1);
        }
        IntVector factors = words(tile, offset);
        IntVector offsets = words(tile, offset + PanelWords.LINE);
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, row + 16);
        result0 = lowest0.fma(lowFloats(offsets), scaled0.fma(lowFloats(factors), result0));
        result1 = lowest1.fma(highFloats(offsets), scaled1.fma(highFloats(factors), result1));
        result0.intoArray(results, row);
        result1.intoArray(results, row + 16);
    }
}
