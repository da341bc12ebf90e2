package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Rows of activations quantized to int8 in blocks of 32, in the forms that the kernels read: integers as pairs of 16 bits and
 * as floats, scales, and sums for weights with an offset or a minimum. Lives on the Java heap, because broadcasting from an
 * array costs C2 the least.
 *
 * <p>A pair holds columns c and c + 2, c % 4 &lt; 2, so that pair {@code 2 q + i} of a row meets bytes i and i + 2 of the
 * weights' word for columns 4 q … 4 q + 3.
 */
final class QuantizedRows {
    /** Columns that share a scale. */
    static final int BLOCK = 32;

    /** Columns that share a sum. */
    static final int HALF_BLOCK = 16;

    private final int rows;
    private final int columns;

    /** (rows, columns / 2): the integers of columns c and c + 2, low and high half. */
    final int[] pairs;

    /**
     * (rows, columns / 2): pairs less 16 times the pair before them, modulo 2^16, in the order in which {@link NibbleProducts} meets
     * them: those of a word of four-bit numbers stand together, first the one of bits 0 and 16.
     */
    final int[] nibblePairs;

    /** (rows, columns / 16): the sums of the low and of the high halves of a half block's pairs, as a pair. */
    final int[] pairSums;

    /** (rows, columns / 32): −8 times the sum of a block's pairs: with it, four-bit numbers are taken less 8. */
    final int[] nibbleBiases;

    /** (rows, columns): the integers again. */
    final float[] integers;

    /** (rows, columns / 32): what one integer step is worth. */
    final float[] scales;

    /** (rows, columns / 16): the sum of a half block's integers, times its scale. */
    final float[] halfSums;

    /** (rows, columns / 32): the same for a block. */
    final float[] sums;

    /**
     * Makes room for rows; their content is undefined.
     *
     * @param rows the number of rows
     * @param columns the width of a row, a multiple of 32
     */
    QuantizedRows(int rows, int columns) {
        if (columns % BLOCK != 0) {
            throw new IllegalArgumentException(
                    "rows of " + columns + " values cannot be quantized in blocks of " + BLOCK);
        }
        this.rows = rows;
        this.columns = columns;
        // Vectors are read from here that begin at any half block.
        pairs = new int[Math.addExact(Math.multiplyExact(rows, columns / 2), Lanes.COUNT)];
        nibblePairs = new int[rows * (columns / 2)];
        nibbleBiases = new int[rows * (columns / BLOCK)];
        pairSums = new int[rows * (columns / HALF_BLOCK)];
        integers = new float[Math.multiplyExact(rows, columns)];
        scales = new float[rows * (columns / BLOCK)];
        halfSums = new float[rows * (columns / HALF_BLOCK)];
        sums = new float[scales.length];
    }

    private QuantizedRows(QuantizedRows source, int rows, int columns) {
        this.rows = rows;
        this.columns = columns;
        pairs = source.pairs;
        nibblePairs = source.nibblePairs;
        nibbleBiases = source.nibbleBiases;
        pairSums = source.pairSums;
        integers = source.integers;
        scales = source.scales;
        halfSums = source.halfSums;
        sums = source.sums;
    }

    /** The same values in rows of fewer columns, a divisor of these rows' and a multiple of 32. */
    QuantizedRows reshaped(int columns) {
        return columns == this.columns ? this : new QuantizedRows(this, rows * (this.columns / columns), columns);
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    /** The memory that this takes. */
    static long bytes(int rows, int columns) {
        return (long) rows * columns / BLOCK * (35 * Integer.BYTES + 36 * Float.BYTES);
    }

    /**
     * Quantizes a part of a row: with amax the largest magnitude of a block, scale = amax / 127, inverse = 127 / amax or 0, and
     * q = (int) (x · inverse + 128.5) − 128.
     *
     * @param x holds {@code columns} floats
     * @param offset byte offset of the first
     * @param row the row to write
     * @param begin the first column, a multiple of 32
     * @param end the end of the columns, a multiple of 32
     */
    void quantize(MemorySegment x, long offset, int row, int begin, int end) {
        Objects.checkIndex(row, rows);
        Objects.checkFromToIndex(begin, end, columns);
        for (int column = begin; column < end; column += BLOCK) {
            quantizeBlock(x, offset + column * 4L, row * columns + column);
        }
        // A loop of its own: reading words that were written just before, in other steps, would wait for the writes.
        ActivationPairs.nibbles(pairs, nibblePairs, (row * columns + begin) / 2, (row * columns + end) / 2);
    }

    private void quantizeBlock(MemorySegment x, long offset, int at) {
        // Magnitudes are ordered as their bits are, and integers are compared at less cost.
        IntVector largest = IntVector.zero(Lanes.INTS);
        for (int i = 0; i < BLOCK; i += Lanes.COUNT) {
            largest = largest.max(Rows.load(x, offset + i * 4L).abs().reinterpretAsInts());
        }
        float amax = Float.intBitsToFloat(largest.reduceLanes(VectorOperators.MAX));
        float inverse = amax == 0 ? 0 : 127 / amax;
        IntVector first = IntVector.zero(Lanes.INTS);
        IntVector second = first;
        for (int i = 0; i < BLOCK; i += 2 * Lanes.COUNT) {
            IntVector q0 = round(Rows.load(x, offset + i * 4L), inverse, integers, at + i);
            IntVector q1 =
                    round(Rows.load(x, offset + (i + Lanes.COUNT) * 4L), inverse, integers, at + i + Lanes.COUNT);
            ActivationPairs.pairs(q0, q1).intoArray(pairs, (at + i) / 2);
            if (Lanes.COUNT == HALF_BLOCK) {
                first = q0;
                second = q1;
            } else if (i < HALF_BLOCK) {
                first = first.add(q0).add(q1);
            } else {
                second = second.add(q0).add(q1);
            }
        }
        float scale = amax / 127;
        scales[at / BLOCK] = scale;
        addUp(first, second, at, scale);
    }

    private static IntVector round(FloatVector x, float inverse, float[] integers, int at) {
        IntVector q = ((IntVector) x.mul(inverse).add(128.5f).convert(VectorOperators.F2I, 0)).sub(128);
        ((FloatVector) q.convert(VectorOperators.I2F, 0)).intoArray(integers, at);
        return q;
    }

    /** Adds both half blocks up at once, one in each half of the lanes: their sums fit 16 bits. */
    private void addUp(IntVector first, IntVector second, int at, float scale) {
        IntVector both = first.add(second.lanewise(VectorOperators.LSHL, Short.SIZE));
        int low = both.reduceLanes(VectorOperators.ADD, ActivationPairs.LOW);
        int all = both.reduceLanes(VectorOperators.ADD);
        int low0 = (short) low;
        int low1 = low - low0 >> Short.SIZE;
        int all0 = (short) all;
        int all1 = all - all0 >> Short.SIZE;
        pairSums[at / HALF_BLOCK] = pair(low0, all0 - low0);
        pairSums[at / HALF_BLOCK + 1] = pair(low1, all1 - low1);
        halfSums[at / HALF_BLOCK] = scale * all0;
        halfSums[at / HALF_BLOCK + 1] = scale * all1;
        sums[at / BLOCK] = scale * (all0 + all1);
        nibbleBiases[at / BLOCK] = pair(-8 * (low0 + low1), -8 * (all0 + all1 - low0 - low1));
    }

    private static int pair(int low, int high) {
        return low & 0xffff | high << 16;
    }
}
