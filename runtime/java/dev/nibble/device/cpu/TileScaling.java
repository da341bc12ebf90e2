package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.addHalves;
import static dev.nibble.device.cpu.WeightVectors.broadcast;
import static dev.nibble.device.cpu.WeightVectors.highHalves;
import static dev.nibble.device.cpu.WeightVectors.lowHalves;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Applies scales to the dot products of a tile's groups of columns and four tokens, and adds them to the results, (token, row).
 */
final class TileScaling {
    private static final int ROWS = PackedMatrix.TILE_ROWS;

    private TileScaling() {}

    /**
     * results += Σ (sum.low + sum.high) · scale · activation scale.
     *
     * @param sums (block, token, row), pairs of sums of 16 bits
     * @param scales (block, row)
     * @param x scales of the activations' blocks; those of the four tokens begin at x0 … x3
     * @param to where the results of the first token begin
     */
    static void addPairs(
            int[] sums,
            int blocks,
            float[] scales,
            float[] x,
            int x0,
            int x1,
            int x2,
            int x3,
            float[] results,
            int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, to + row);
            FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, to + ROWS + row);
            FloatVector result2 = FloatVector.fromArray(Lanes.FLOATS, results, to + 2 * ROWS + row);
            FloatVector result3 = FloatVector.fromArray(Lanes.FLOATS, results, to + 3 * ROWS + row);
            for (int b = 0; b < blocks; b++) {
                FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, b * ROWS + row);
                int at = b * 4 * ROWS + row;
                result0 = scaled(sums, at, scale).fma(broadcast(x, x0 + b), result0);
                result1 = scaled(sums, at + ROWS, scale).fma(broadcast(x, x1 + b), result1);
                result2 = scaled(sums, at + 2 * ROWS, scale).fma(broadcast(x, x2 + b), result2);
                result3 = scaled(sums, at + 3 * ROWS, scale).fma(broadcast(x, x3 + b), result3);
            }
            result0.intoArray(results, to + row);
            result1.intoArray(results, to + ROWS + row);
            result2.intoArray(results, to + 2 * ROWS + row);
            result3.intoArray(results, to + 3 * ROWS + row);
        }
    }

    private static FloatVector scaled(int[] sums, int at, FloatVector scale) {
        return WeightVectors.floats(addHalves(IntVector.fromArray(Lanes.INTS, sums, at)))
                .mul(scale);
    }

    /**
     * results += Σ (sum.low · first scale + sum.high · second scale) · activation scale, for half blocks with scales of their own.
     *
     * @param sums (block, token, row), pairs of sums of 16 bits
     * @param scales (half block, row)
     * @param step sums of a block that are added up; they follow one another as blocks do
     */
    static void addHalfPairs(
            int[] sums,
            int blocks,
            int step,
            float[] scales,
            float[] x,
            int x0,
            int x1,
            int x2,
            int x3,
            float[] results,
            int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, to + row);
            FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, to + ROWS + row);
            FloatVector result2 = FloatVector.fromArray(Lanes.FLOATS, results, to + 2 * ROWS + row);
            FloatVector result3 = FloatVector.fromArray(Lanes.FLOATS, results, to + 3 * ROWS + row);
            for (int i = 0; i < blocks * step; i++) {
                int b = i / step;
                FloatVector first = FloatVector.fromArray(Lanes.FLOATS, scales, 2 * b * ROWS + row);
                FloatVector second = FloatVector.fromArray(Lanes.FLOATS, scales, (2 * b + 1) * ROWS + row);
                int at = i * 4 * ROWS + row;
                result0 = scaled(sums, at, first, second).fma(broadcast(x, x0 + b), result0);
                result1 = scaled(sums, at + ROWS, first, second).fma(broadcast(x, x1 + b), result1);
                result2 = scaled(sums, at + 2 * ROWS, first, second).fma(broadcast(x, x2 + b), result2);
                result3 = scaled(sums, at + 3 * ROWS, first, second).fma(broadcast(x, x3 + b), result3);
            }
            result0.intoArray(results, to + row);
            result1.intoArray(results, to + ROWS + row);
            result2.intoArray(results, to + 2 * ROWS + row);
            result3.intoArray(results, to + 3 * ROWS + row);
        }
    }

    private static FloatVector scaled(int[] sums, int at, FloatVector first, FloatVector second) {
        IntVector pairs = IntVector.fromArray(Lanes.INTS, sums, at);
        return WeightVectors.floats(lowHalves(pairs))
                .mul(first)
                .add(WeightVectors.floats(highHalves(pairs)).mul(second));
    }

    /** {@link #addPairs} for whole sums, held by floats. */
    static void addFloats(
            float[] sums,
            int blocks,
            float[] scales,
            float[] x,
            int x0,
            int x1,
            int x2,
            int x3,
            float[] results,
            int to) {
        for (int row = 0; row < ROWS; row += Lanes.COUNT) {
            FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, to + row);
            FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, to + ROWS + row);
            FloatVector result2 = FloatVector.fromArray(Lanes.FLOATS, results, to + 2 * ROWS + row);
            FloatVector result3 = FloatVector.fromArray(Lanes.FLOATS, results, to + 3 * ROWS + row);
            for (int b = 0; b < blocks; b++) {
                FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, b * ROWS + row);
                int at = b * 4 * ROWS + row;
                result0 = scaled(sums, at, scale).fma(broadcast(x, x0 + b), result0);
                result1 = scaled(sums, at + ROWS, scale).fma(broadcast(x, x1 + b), result1);
                result2 = scaled(sums, at + 2 * ROWS, scale).fma(broadcast(x, x2 + b), result2);
                result3 = scaled(sums, at + 3 * ROWS, scale).fma(broadcast(x, x3 + b), result3);
            }
            result0.intoArray(results, to + row);
            result1.intoArray(results, to + ROWS + row);
            result2.intoArray(results, to + 2 * ROWS + row);
            result3.intoArray(results, to + 3 * ROWS + row);
        }
    }

    private static FloatVector scaled(float[] sums, int at, FloatVector scale) {
        return FloatVector.fromArray(Lanes.FLOATS, sums, at).mul(scale);
    }

    /**
     * results += Σ offset · sum of activations, for two vectors of rows.
     *
     * @param offsets (group, row): those of the rows, from {@code offsetAt} on
     * @param x scaled sums of the activations' groups; those of the four tokens begin at x0 … x3
     * @param to where the rows' results of the first token begin
     */
    static void addOffsets(
            float[] offsets,
            int offsetAt,
            int groups,
            float[] x,
            int x0,
            int x1,
            int x2,
            int x3,
            float[] results,
            int to) {
        FloatVector a0 = FloatVector.fromArray(Lanes.FLOATS, results, to);
        FloatVector a1 = FloatVector.fromArray(Lanes.FLOATS, results, to + Lanes.COUNT);
        FloatVector b0 = FloatVector.fromArray(Lanes.FLOATS, results, to + ROWS);
        FloatVector b1 = FloatVector.fromArray(Lanes.FLOATS, results, to + ROWS + Lanes.COUNT);
        FloatVector c0 = FloatVector.fromArray(Lanes.FLOATS, results, to + 2 * ROWS);
        FloatVector c1 = FloatVector.fromArray(Lanes.FLOATS, results, to + 2 * ROWS + Lanes.COUNT);
        FloatVector d0 = FloatVector.fromArray(Lanes.FLOATS, results, to + 3 * ROWS);
        FloatVector d1 = FloatVector.fromArray(Lanes.FLOATS, results, to + 3 * ROWS + Lanes.COUNT);
        for (int g = 0; g < groups; g++) {
            FloatVector offset0 = FloatVector.fromArray(Lanes.FLOATS, offsets, offsetAt + g * ROWS);
            FloatVector offset1 = FloatVector.fromArray(Lanes.FLOATS, offsets, offsetAt + g * ROWS + Lanes.COUNT);
            FloatVector sum = broadcast(x, x0 + g);
            a0 = offset0.fma(sum, a0);
            a1 = offset1.fma(sum, a1);
            sum = broadcast(x, x1 + g);
            b0 = offset0.fma(sum, b0);
            b1 = offset1.fma(sum, b1);
            sum = broadcast(x, x2 + g);
            c0 = offset0.fma(sum, c0);
            c1 = offset1.fma(sum, c1);
            sum = broadcast(x, x3 + g);
            d0 = offset0.fma(sum, d0);
            d1 = offset1.fma(sum, d1);
        }
        a0.intoArray(results, to);
        a1.intoArray(results, to + Lanes.COUNT);
        b0.intoArray(results, to + ROWS);
        b1.intoArray(results, to + ROWS + Lanes.COUNT);
        c0.intoArray(results, to + 2 * ROWS);
        c1.intoArray(results, to + 2 * ROWS + Lanes.COUNT);
        d0.intoArray(results, to + 3 * ROWS);
        d1.intoArray(results, to + 3 * ROWS + Lanes.COUNT);
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
