package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * Rows of activations quantized to int8 in blocks of 32, in the forms that the kernels read: integers as pairs of 16 bits and
 * as floats, scales, and sums for weights with an offset or a minimum. Lives on the Java heap, because broadcasting from an
 * array costs C2 the least.
 */
final class QuantizedRows {
    /** Columns that share a scale. */
    static final int BLOCK = 32;

    /** Columns that share a sum. */
    static final int HALF_BLOCK = 16;

    /** Pairs before the first one, so that the one before any pair can be read. */
    static final int PAD = 1;

    private static final ShiftedActivations[] FORM_VALUES = ShiftedActivations.values();

    private final int rows;
    private final int columns;

    /**
     * (rows, columns / 2), from {@link #PAD} on: pair 2 q + i of a row has the integers of columns 4 q + i, low half, and 4 q + i + 2,
     * high half, so that it meets bytes i and i + 2 of a word of bytes.
     */
    final int[] pairs;

    /** (rows, columns / 2), from {@link #PAD} on: pair c of a block has columns c, low half, and 16 + c, high half. */
    final int[] blockPairs;

    /** (rows, columns / 32): the sums of a block's low and high half. */
    final int[] pairSums;

    /** (rows, columns): the integers again. */
    final float[] integers;

    /** (rows, columns / 32): what one integer step is worth. */
    final float[] scales;

    /** (rows, columns / 16): the sum of a half block's integers, times its scale. */
    final float[] halfSums;

    /** (rows, columns / 32): the same for a block. */
    final float[] sums;

    /** (form of words, (rows, columns / 32, coefficient)); null: no product asked for this form. */
    private final int[] @Nullable [] coefficients;

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
        pairs = new int[Math.addExact(Math.multiplyExact(rows, columns / 2), PAD + Lanes.COUNT)];
        blockPairs = new int[pairs.length];
        pairSums = new int[rows * (columns / BLOCK)];
        integers = new float[Math.multiplyExact(rows, columns)];
        scales = new float[rows * (columns / BLOCK)];
        halfSums = new float[rows * (columns / HALF_BLOCK)];
        sums = new float[scales.length];
        coefficients = new int[FORM_VALUES.length][];
    }

    private QuantizedRows(QuantizedRows source, int rows, int columns) {
        this.rows = rows;
        this.columns = columns;
        pairs = source.pairs;
        blockPairs = source.blockPairs;
        pairSums = source.pairSums;
        integers = source.integers;
        scales = source.scales;
        halfSums = source.halfSums;
        sums = source.sums;
        coefficients = source.coefficients;
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

    /** The memory that this takes, with coefficients for two forms of words. */
    static long bytes(int rows, int columns) {
        return (long) rows * columns / BLOCK * ((33 + 2 * 32) * Integer.BYTES + 36 * Float.BYTES);
    }

    /** Has {@link #quantize} derive what products of one token with such weights need, from its next call on. */
    void require(TileLayout layout) {
        ShiftedActivations form = layout.form().activations();
        if (coefficients[form.ordinal()] == null) {
            coefficients[form.ordinal()] = new int[Math.multiplyExact(scales.length, form.count())];
        }
    }

    /**
     * The coefficients of a form of words, (rows, columns / 32, coefficient).
     *
     * @throws IllegalStateException if {@link #require} was not called for it
     */
    int[] coefficients(ShiftedActivations form) {
        int[] derived = coefficients[form.ordinal()];
        if (derived == null) {
            throw new IllegalStateException("activations were not prepared for words of " + form);
        }
        return derived;
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
        // Loops of their own: reading words that were written just before, in other steps, would wait for the writes.
        int first = (row * columns + begin) / BLOCK;
        int last = (row * columns + end) / BLOCK;
        for (int block = first; block < last; block++) {
            pairHalves(block * BLOCK);
        }
        for (ShiftedActivations form : FORM_VALUES) {
            int[] target = coefficients[form.ordinal()];
            for (int block = first; target != null && block < last; block++) {
                form.derive(this, block, target, block * form.count());
            }
        }
    }

    private void pairHalves(int at) {
        for (int i = 0; i < HALF_BLOCK; i += Lanes.COUNT) {
            IntVector low = integers(at + i).and(0xffff);
            IntVector high = integers(at + HALF_BLOCK + i).lanewise(VectorOperators.LSHL, 16);
            low.or(high).intoArray(blockPairs, PAD + at / 2 + i);
        }
    }

    private IntVector integers(int at) {
        return (IntVector) FloatVector.fromArray(Lanes.FLOATS, integers, at).convert(VectorOperators.F2I, 0);
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
            ActivationPairs.pairs(q0, q1).intoArray(pairs, PAD + (at + i) / 2);
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
        int both = first.add(second.lanewise(VectorOperators.LSHL, Short.SIZE)).reduceLanes(VectorOperators.ADD);
        int low = (short) both;
        int high = both - low >> Short.SIZE;
        pairSums[at / BLOCK] = low & 0xffff | high << Short.SIZE;
        halfSums[at / HALF_BLOCK] = scale * low;
        halfSums[at / HALF_BLOCK + 1] = scale * high;
        sums[at / BLOCK] = scale * (low + high);
    }
}
