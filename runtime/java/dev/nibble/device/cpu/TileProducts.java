package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.broadcast;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/**
 * Products of unpacked weights of 32 rows and four tokens: two vectors of rows by four tokens stay in registers. A tile's weights
 * stay in the first-level cache while all tokens pass.
 */
final class TileProducts {
    private static final int ROWS = PackedMatrix.TILE_ROWS;

    private TileProducts() {}

    /**
     * Dot products in 16 bits of groups of columns.
     *
     * @param weights pairs, (group, pair, row)
     * @param groups the number of groups
     * @param pairs pairs of columns in a group
     * @param x pairs of activations; those of the four tokens begin at x0 … x3
     * @param row the first row of two vectors
     * @param sums receives (group, token, row): the sums of the low and of the high columns of the pairs
     */
    static void pairs(
            MemorySegment weights,
            int groups,
            int pairs,
            int[] x,
            int x0,
            int x1,
            int x2,
            int x3,
            int row,
            int[] sums) {
        for (int group = 0; group < groups; group++) {
            ShortVector a0 = ShortVector.zero(Lanes.SHORTS), a1 = a0, b0 = a0, b1 = a0;
            ShortVector c0 = a0, c1 = a0, d0 = a0, d1 = a0;
            int at = (group * pairs * ROWS + row) * Integer.BYTES;
            int xAt = group * pairs;
            for (int i = 0; i < pairs; i++) {
                ShortVector w0 = shorts(weights, at + i * ROWS * Integer.BYTES);
                ShortVector w1 = shorts(weights, at + i * ROWS * Integer.BYTES + Lanes.BYTES);
                ShortVector v = broadcast(x, x0 + xAt + i);
                a0 = a0.add(v.mul(w0));
                a1 = a1.add(v.mul(w1));
                v = broadcast(x, x1 + xAt + i);
                b0 = b0.add(v.mul(w0));
                b1 = b1.add(v.mul(w1));
                v = broadcast(x, x2 + xAt + i);
                c0 = c0.add(v.mul(w0));
                c1 = c1.add(v.mul(w1));
                v = broadcast(x, x3 + xAt + i);
                d0 = d0.add(v.mul(w0));
                d1 = d1.add(v.mul(w1));
            }
            int to = group * TileWorkspace.TOKENS * ROWS + row;
            a0.reinterpretAsInts().intoArray(sums, to);
            a1.reinterpretAsInts().intoArray(sums, to + Lanes.COUNT);
            b0.reinterpretAsInts().intoArray(sums, to + ROWS);
            b1.reinterpretAsInts().intoArray(sums, to + ROWS + Lanes.COUNT);
            c0.reinterpretAsInts().intoArray(sums, to + 2 * ROWS);
            c1.reinterpretAsInts().intoArray(sums, to + 2 * ROWS + Lanes.COUNT);
            d0.reinterpretAsInts().intoArray(sums, to + 3 * ROWS);
            d1.reinterpretAsInts().intoArray(sums, to + 3 * ROWS + Lanes.COUNT);
        }
    }

    private static ShortVector shorts(MemorySegment weights, int at) {
        return ShortVector.fromMemorySegment(Lanes.SHORTS, weights, at, Lanes.ORDER);
    }

    /**
     * Dot products of blocks of 32 columns of integers held by floats; exact, as all sums are below 2^24.
     *
     * @param weights (block, column, row)
     * @param x activations; those of the four tokens begin at x0 … x3
     * @param row the first row of two vectors
     * @param sums receives (block, token, row)
     */
    static void floats(
            MemorySegment weights, int blocks, float[] x, int x0, int x1, int x2, int x3, int row, float[] sums) {
        for (int b = 0; b < blocks; b++) {
            FloatVector a0 = FloatVector.zero(Lanes.FLOATS), a1 = a0, b0 = a0, b1 = a0;
            FloatVector c0 = a0, c1 = a0, d0 = a0, d1 = a0;
            int at = (b * 32 * ROWS + row) * Float.BYTES;
            int xAt = b * 32;
            for (int i = 0; i < 32; i++) {
                FloatVector w0 = floats(weights, at + i * ROWS * Float.BYTES);
                FloatVector w1 = floats(weights, at + i * ROWS * Float.BYTES + Lanes.BYTES);
                FloatVector v = FloatVector.broadcast(Lanes.FLOATS, x[x0 + xAt + i]);
                a0 = v.fma(w0, a0);
                a1 = v.fma(w1, a1);
                v = FloatVector.broadcast(Lanes.FLOATS, x[x1 + xAt + i]);
                b0 = v.fma(w0, b0);
                b1 = v.fma(w1, b1);
                v = FloatVector.broadcast(Lanes.FLOATS, x[x2 + xAt + i]);
                c0 = v.fma(w0, c0);
                c1 = v.fma(w1, c1);
                v = FloatVector.broadcast(Lanes.FLOATS, x[x3 + xAt + i]);
                d0 = v.fma(w0, d0);
                d1 = v.fma(w1, d1);
            }
            int to = b * TileWorkspace.TOKENS * ROWS + row;
            a0.intoArray(sums, to);
            a1.intoArray(sums, to + Lanes.COUNT);
            b0.intoArray(sums, to + ROWS);
            b1.intoArray(sums, to + ROWS + Lanes.COUNT);
            c0.intoArray(sums, to + 2 * ROWS);
            c1.intoArray(sums, to + 2 * ROWS + Lanes.COUNT);
            d0.intoArray(sums, to + 3 * ROWS);
            d1.intoArray(sums, to + 3 * ROWS + Lanes.COUNT);
        }
    }

    private static FloatVector floats(MemorySegment weights, int at) {
        return FloatVector.fromMemorySegment(Lanes.FLOATS, weights, at, Lanes.ORDER);
    }
}
