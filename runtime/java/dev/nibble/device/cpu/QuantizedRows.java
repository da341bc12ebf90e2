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
        pairs = new int[Math.multiplyExact(rows, columns / 2)];
        nibblePairs = new int[pairs.length];
        nibbleBiases = new int[rows * (columns / BLOCK)];
        pairSums = new int[rows * (columns / HALF_BLOCK)];
        integers = new float[Math.multiplyExact(rows, columns)];
        scales = new float[rows * (columns / BLOCK)];
        sums = new float[rows * (columns / HALF_BLOCK)];
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
        return (long) rows * columns / BLOCK * (35 * Integer.BYTES + 35 * Float.BYTES);
    }

    /**
     * Quantizes a row: with amax the largest magnitude of a block, scale = amax / 127, inverse = 127 / amax or 0, and q = (int)
     * (x · inverse + 128.5) − 128.
     *
     * @param x holds {@code columns} floats
     * @param offset byte offset of the first
     * @param row the row to write
     */
    void quantize(MemorySegment x, long offset, int row) {
        Objects.checkIndex(row, rows);
        MemorySegment values = x.asSlice(offset, (long) columns * Float.BYTES);
        int[] block = new int[BLOCK];
        for (int b = 0; b < columns / BLOCK; b++) {
            int at = row * columns + b * BLOCK;
            float scale = quantizeBlock(values, b * BLOCK * Float.BYTES, block, integers, at);
            scales[at / BLOCK] = scale;
            pack(block, at, scale);
        }
    }

    /** Quantizes 32 floats to integers and integers as floats; gives the scale. */
    private static float quantizeBlock(MemorySegment x, int offset, int[] block, float[] integers, int at) {
        FloatVector largest = FloatVector.zero(Lanes.FLOATS);
        for (int i = 0; i < BLOCK; i += Lanes.COUNT) {
            largest = largest.max(floats(x, offset, i).abs());
        }
        float amax = largest.reduceLanes(VectorOperators.MAX);
        float inverse = amax == 0 ? 0 : 127 / amax;
        for (int i = 0; i < BLOCK; i += Lanes.COUNT) {
            FloatVector shifted = floats(x, offset, i).mul(inverse).add(128.5f);
            IntVector q = ((IntVector) shifted.convert(VectorOperators.F2I, 0)).sub(128);
            q.intoArray(block, i);
            ((FloatVector) q.convert(VectorOperators.I2F, 0)).intoArray(integers, at + i);
        }
        return amax / 127;
    }

    private static FloatVector floats(MemorySegment x, int offset, int index) {
        return FloatVector.fromMemorySegment(Lanes.FLOATS, x, offset + index * Float.BYTES, Lanes.ORDER);
    }

    private void pack(int[] block, int at, float scale) {
        int blockLow = 0;
        int blockHigh = 0;
        for (int half = 0; half < 2; half++) {
            int low = 0;
            int high = 0;
            for (int i = half * HALF_BLOCK; i < (half + 1) * HALF_BLOCK; i += 4) {
                pairs[(at + i) / 2] = pair(block[i], block[i + 2]);
                pairs[(at + i) / 2 + 1] = pair(block[i + 1], block[i + 3]);
                low += block[i] + block[i + 1];
                high += block[i + 2] + block[i + 3];
            }
            pairSums[at / HALF_BLOCK + half] = pair(low, high);
            sums[at / HALF_BLOCK + half] = scale * (low + high);
            blockLow += low;
            blockHigh += high;
        }
        nibbleBiases[at / BLOCK] = pair(-8 * blockLow, -8 * blockHigh);
        for (int i = 0; i < HALF_BLOCK; i += 4) {
            int to = at / 2 + i;
            nibblePairs[to] = pair(block[i], block[i + 2]);
            nibblePairs[to + 1] = pair(block[16 + i] - 16 * block[i], block[18 + i] - 16 * block[i + 2]);
            nibblePairs[to + 2] = pair(block[i + 1] - 16 * block[16 + i], block[i + 3] - 16 * block[18 + i]);
            nibblePairs[to + 3] = pair(block[17 + i] - 16 * block[i + 1], block[19 + i] - 16 * block[i + 3]);
        }
    }

    private static int pair(int low, int high) {
        return low & 0xffff | high << 16;
    }
}
