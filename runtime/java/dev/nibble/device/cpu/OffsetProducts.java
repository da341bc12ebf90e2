package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;
import static dev.nibble.device.cpu.WeightVectors.words;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** One token's results += offset · sum of activations, for a panel whose scales and offsets were just read. */
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
}
