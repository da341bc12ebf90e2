package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.floats;
import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * One token's results += offset · sum of activations, for a panel whose scales and offsets were just read. Stands apart from the
 * products of the integers, because the compiler does not inline all of both.
 */
final class OffsetProducts {
    private OffsetProducts() {}

    /**
     * Half precision offsets, {@link ScaleForm#HALVES_AND_OFFSETS}.
     *
     * @param offset where the panel begins, for the chosen rows
     * @param zero how many scales the products of the integers are short of
     * @param xSums sums of the activations' blocks, from {@code block} on
     * @param row the first of two vectors of rows, 16 rows apart
     */
    static void halves(
            MemorySegment tile,
            int offset,
            int blocks,
            int blockBytes,
            float zero,
            float[] xSums,
            int block,
            float[] results,
            int row) {
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, row + 16);
        for (int b = 0; b < blocks; b++) {
            FloatVector xSum = broadcast(xSums, block + b);
            IntVector scales = words(tile, offset + b * blockBytes);
            IntVector offsets = words(tile, offset + b * blockBytes + PanelWords.LINE);
            result0 = lowFloats(scales).mul(zero).add(lowFloats(offsets)).fma(xSum, result0);
            result1 = highFloats(scales).mul(zero).add(highFloats(offsets)).fma(xSum, result1);
        }
        result0.intoArray(results, row);
        result1.intoArray(results, row + 16);
    }

    /** Integer minima, {@link ScaleForm#BYTES_AND_MINIMA}. */
    static void bytes(
            MemorySegment tile,
            int offset,
            int blocks,
            int blockBytes,
            float[] xSums,
            int block,
            float[] results,
            int row) {
        FloatVector lowest0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector lowest1 = lowest0;
        for (int b = 0; b < blocks; b++) {
            FloatVector xSum = broadcast(xSums, block + b);
            IntVector bytes = words(tile, offset + 2 * PanelWords.LINE + b * blockBytes);
            lowest0 = floats(bytes.lanewise(VectorOperators.LSHR, 8).and(0xff)).fma(xSum, lowest0);
            lowest1 = floats(bytes.lanewise(VectorOperators.LSHR, 24)).fma(xSum, lowest1);
        }
        addScaled(tile, offset, lowest0, lowest1, results, row);
    }

    /** Integer minima of half blocks, {@link ScaleForm#NIBBLES_OF_HALF_BLOCKS}. */
    static void nibbles(
            MemorySegment tile,
            int offset,
            int blocks,
            int blockBytes,
            float[] xHalfSums,
            int block,
            float[] results,
            int row) {
        FloatVector lowest0 = FloatVector.zero(Lanes.FLOATS);
        FloatVector lowest1 = lowest0;
        for (int b = 0; b < blocks; b++) {
            FloatVector xSum = broadcast(xHalfSums, 2 * (block + b));
            IntVector bytes = words(tile, offset + 2 * PanelWords.LINE + b * blockBytes);
            lowest0 = floats(bytes.lanewise(VectorOperators.LSHR, 4).and(15)).fma(xSum, lowest0);
            lowest1 = floats(bytes.lanewise(VectorOperators.LSHR, 20).and(15)).fma(xSum, lowest1);
            xSum = broadcast(xHalfSums, 2 * (block + b) + 1);
            lowest0 = floats(bytes.lanewise(VectorOperators.LSHR, 12).and(15)).fma(xSum, lowest0);
            lowest1 = floats(bytes.lanewise(VectorOperators.LSHR, 28)).fma(xSum, lowest1);
        }
        addScaled(tile, offset, lowest0, lowest1, results, row);
    }

    private static void addScaled(
            MemorySegment tile, int offset, FloatVector lowest0, FloatVector lowest1, float[] results, int row) {
        IntVector offsets = words(tile, offset + PanelWords.LINE);
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, row + 16);
        lowest0.fma(lowFloats(offsets), result0).intoArray(results, row);
        lowest1.fma(highFloats(offsets), result1).intoArray(results, row + 16);
    }
}
