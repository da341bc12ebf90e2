package dev.nibble.device.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Applies scales to the dot products of a tile's groups of columns and one token, and adds them to its results, (row). Sums are those
 * of four tokens, (group, token, row); those of the token begin at {@code from}. No method here calls another of this project inside
 * its loop: the compiler would not inline all of them.
 */
final class TileScaling {
    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int GROUP = TileWorkspace.TOKENS * ROWS;

    private TileScaling() {}

    /**
     * results += Σ (sum.low + sum.high) · scale · activation scale.
     *
     * @param sums (block, token, row), pairs of sums of 16 bits
     * @param scales (block, row)
     * @param x scales of the activations' blocks, from {@code xAt} on
     * @param to where the token's results begin
     */
    static void addPairs(
            int[] sums, int from, int blocks, float[] scales, float[] x, int xAt, float[] results, int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector result = FloatVector.fromArray(Lanes.FLOATS, results, to + row);
            for (int b = 0; b < blocks; b++) {
                IntVector pairs = IntVector.fromArray(Lanes.INTS, sums, from + b * GROUP + row);
                IntVector sum = pairs.lanewise(VectorOperators.LSHL, 16)
                        .lanewise(VectorOperators.ASHR, 16)
                        .add(pairs.lanewise(VectorOperators.ASHR, 16));
                FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, b * ROWS + row)
                        .mul(x[xAt + b]);
                result = ((FloatVector) sum.convert(VectorOperators.I2F, 0)).fma(scale, result);
            }
            result.intoArray(results, to + row);
        }
    }

    /**
     * results += Σ (sum.low · first scale + sum.high · second scale) · activation scale, for half blocks with scales of their own.
     *
     * @param sums (part of a block, token, row), pairs of sums of 16 bits
     * @param parts sums of a block, which are added up
     * @param scales (half block, row)
     */
    static void addHalfPairs(
            int[] sums, int from, int blocks, int parts, float[] scales, float[] x, int xAt, float[] results, int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector result = FloatVector.fromArray(Lanes.FLOATS, results, to + row);
            for (int i = 0; i < blocks * parts; i++) {
                int b = i / parts;
                IntVector pairs = IntVector.fromArray(Lanes.INTS, sums, from + i * GROUP + row);
                IntVector low = pairs.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16);
                IntVector high = pairs.lanewise(VectorOperators.ASHR, 16);
                FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, 2 * b * ROWS + row)
                        .mul(x[xAt + b]);
                result = ((FloatVector) low.convert(VectorOperators.I2F, 0)).fma(scale, result);
                scale = FloatVector.fromArray(Lanes.FLOATS, scales, (2 * b + 1) * ROWS + row)
                        .mul(x[xAt + b]);
                result = ((FloatVector) high.convert(VectorOperators.I2F, 0)).fma(scale, result);
            }
            result.intoArray(results, to + row);
        }
    }

    /**
     * results += Σ sum · scale · activation scale.
     *
     * @param sums (block, token, row), whole sums
     * @param scales (block, row)
     */
    static void addFloats(
            float[] sums, int from, int blocks, float[] scales, float[] x, int xAt, float[] results, int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector result = FloatVector.fromArray(Lanes.FLOATS, results, to + row);
            for (int b = 0; b < blocks; b++) {
                FloatVector sum = FloatVector.fromArray(Lanes.FLOATS, sums, from + b * GROUP + row);
                FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, b * ROWS + row)
                        .mul(x[xAt + b]);
                result = sum.fma(scale, result);
            }
            result.intoArray(results, to + row);
        }
    }

    /**
     * results += Σ offset · sum of activations.
     *
     * @param offsets (group, row)
     * @param x scaled sums of the activations' groups, from {@code xAt} on
     */
    static void addOffsets(float[] offsets, int groups, float[] x, int xAt, float[] results, int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector result = FloatVector.fromArray(Lanes.FLOATS, results, to + row);
            for (int g = 0; g < groups; g++) {
                FloatVector sum = FloatVector.broadcast(Lanes.FLOATS, x[xAt + g]);
                result = FloatVector.fromArray(Lanes.FLOATS, offsets, g * ROWS + row)
                        .fma(sum, result);
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
