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
 * One token times weights of four bits. A block of 32 columns is four words: byte i of word g holds columns 4 g + i, low half, and
 * 16 + 4 g + i, high half. Nothing masks the numbers: see {@link ShiftedActivations}.
 */
final class FourBitProducts {
    private static final int WORDS = 4;
    private static final int COEFFICIENTS = ShiftedActivations.FOUR_BITS.count();
    private static final int START = 16;
    private static final int BLOCK_BYTES = PanelWords.LINE + WORDS * PanelWords.WORD;

    private FourBitProducts() {}

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
        int[] coefficients = x.coefficients(ShiftedActivations.FOUR_BITS);
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
                result0 = scale0.mul(8).add(lowFloats(halves)).fma(xSum, result0);
                result1 = scale1.mul(8).add(highFloats(halves)).fma(xSum, result1);
            }
            at += lines * PanelWords.LINE;
            ShortVector sum0 = broadcast(x, xAt + START);
            ShortVector sum1 = sum0;
            for (int j = 0; j < WORDS; j++) {
                ShortVector w0 = pairs(tile, at + j * PanelWords.WORD);
                ShortVector w1 = pairs(tile, at + j * PanelWords.WORD + PanelWords.LINE);
                for (int k = 0; k < 4; k++) {
                    ShortVector v = broadcast(x, xAt + 4 * j + k);
                    sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 4 * k).mul(v));
                    sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 4 * k).mul(v));
                }
            }
            FloatVector xScale = broadcast(xScales, block + b);
            result0 = floats(sum(sum0)).mul(scale0).fma(xScale, result0);
            result1 = floats(sum(sum1)).mul(scale1).fma(xScale, result1);
        }
        result0.intoArray(results, row);
        result1.intoArray(results, row + 16);
    }

    /** Panels of integer scales and minima, {@link ScaleForm#BYTES_AND_MINIMA}. */
    static void bytesAndMinima(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        int[] coefficients = x.coefficients(ShiftedActivations.FOUR_BITS);
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
            ShortVector sum0 = ShortVector.zero(Lanes.SHORTS);
            ShortVector sum1 = sum0;
            for (int j = 0; j < WORDS; j++) {
                ShortVector w0 = pairs(tile, at + j * PanelWords.WORD);
                ShortVector w1 = pairs(tile, at + j * PanelWords.WORD + PanelWords.LINE);
                for (int k = 0; k < 4; k++) {
                    ShortVector v = broadcast(x, xAt + 4 * j + k);
                    sum0 = sum0.add(w0.lanewise(VectorOperators.LSHR, 4 * k).mul(v));
                    sum1 = sum1.add(w1.lanewise(VectorOperators.LSHR, 4 * k).mul(v));
                }
            }
            FloatVector xScale = broadcast(xScales, block + b);
            scaled0 = floats(addHalves(sum0.reinterpretAsInts()).mul(scale0)).fma(xScale, scaled0);
            scaled1 = floats(addHalves(sum1.reinterpretAsInts()).mul(scale1)).fma(xScale, scaled1);
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

    /** The sum of both halves. Numbers less 8 make sums within 32 · 8 · 127 = 32512, which fit 16 bits. */
    private static IntVector sum(ShortVector pairs) {
        IntVector sums = pairs.reinterpretAsInts();
        return sums.lanewise(VectorOperators.LSHL, 16).add(sums).lanewise(VectorOperators.ASHR, 16);
    }
}
