package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.addHalves;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Applies scales to the dot products of a tile's blocks and adds them to the results of one token, (row). Products lie {@code
 * step} apart from group to group, scales 32.
 */
final class TileScaling {
    private static final int ROWS = PackedMatrix.TILE_ROWS;

    private TileScaling() {}

    /**
     * results += Σ (sum.low + sum.high) · scale · activation scale.
     *
     * @param sums pairs of sums of 16 bits, from {@code at} on
     * @param scales (group, row), from {@code scaleAt} on
     * @param shift log2 of the groups in a block of activations
     * @param x scales of the activations' blocks, from {@code xAt} on
     */
    static void addPairs(
            int[] sums,
            int at,
            int step,
            int groups,
            float[] scales,
            int scaleAt,
            int shift,
            float[] x,
            int xAt,
            float[] results,
            int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector result = FloatVector.fromArray(Lanes.FLOATS, results, to + row);
            for (int g = 0; g < groups; g++) {
                IntVector sum = addHalves(IntVector.fromArray(Lanes.INTS, sums, at + g * step + row));
                FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, scaleAt + g * ROWS + row);
                result = ((FloatVector) sum.convert(VectorOperators.I2F, 0))
                        .mul(scale)
                        .fma(FloatVector.broadcast(Lanes.FLOATS, x[xAt + (g >> shift)]), result);
            }
            result.intoArray(results, to + row);
        }
    }

    /** The same for whole sums held by floats, one per block. */
    static void addFloats(
            float[] sums,
            int at,
            int step,
            int blocks,
            float[] scales,
            int scaleAt,
            float[] x,
            int xAt,
            float[] results,
            int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector result = FloatVector.fromArray(Lanes.FLOATS, results, to + row);
            for (int b = 0; b < blocks; b++) {
                FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, scaleAt + b * ROWS + row);
                result = FloatVector.fromArray(Lanes.FLOATS, sums, at + b * step + row)
                        .mul(scale)
                        .fma(FloatVector.broadcast(Lanes.FLOATS, x[xAt + b]), result);
            }
            result.intoArray(results, to + row);
        }
    }

    /**
     * results += Σ offset · sum of activations.
     *
     * @param offsets (group, row), from {@code offsetAt} on
     * @param shift log2 of the half blocks in a group
     * @param x scaled sums of the activations' half blocks, from {@code xAt} on
     */
    static void addOffsets(
            float[] offsets, int offsetAt, int groups, int shift, float[] x, int xAt, float[] results, int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector result = FloatVector.fromArray(Lanes.FLOATS, results, to + row);
            for (int g = 0; g < groups; g++) {
                float sum = shift == 0 ? x[xAt + g] : x[xAt + 2 * g] + x[xAt + 2 * g + 1];
                result = FloatVector.fromArray(Lanes.FLOATS, offsets, offsetAt + g * ROWS + row)
                        .fma(FloatVector.broadcast(Lanes.FLOATS, sum), result);
            }
            result.intoArray(results, to + row);
        }
    }

    /** offsets += bias · scales. */
    static void addBias(int bias, int groups, float[] scales, float[] offsets) {
        for (int i = 0; i < groups * ROWS; i += Lanes.COUNT) {
            FloatVector.fromArray(Lanes.FLOATS, scales, i)
                    .mul(bias)
                    .add(FloatVector.fromArray(Lanes.FLOATS, offsets, i))
                    .intoArray(offsets, i);
        }
    }
}
