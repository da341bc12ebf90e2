package dev.nibble.device.cpu;

import dev.nibble.quant.affine.AffineParameters;
import dev.nibble.quant.affine.IntegerWidth;
import dev.nibble.quant.affine.Range;
import dev.nibble.quant.affine.Symmetry;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * Rows of activations quantized to int8 with a scale and a zero point each. A row may consist of several parts, the inputs of
 * several experts; each part is an input of products, and is filled up to whole blocks with zeros.
 */
final class FixedPointRows implements QuantizedContent {
    /** Coefficients of a word of four columns: for its low bytes, for its high bytes, and what the sum begins with. */
    static final int COEFFICIENTS = 3;

    private static final int BLOCK = 32;
    private static final int BYTE_STEPS = 256;

    /** What is added to the low halves of sums of pairs, so that they are not negative. */
    private static final int ADDED = 1 << 15;

    private static final ThreadLocal<float[]> REALS = ThreadLocal.withInitial(() -> new float[0]);

    private final int parts;
    private final int columns;
    private final int stride;

    /** (rows × parts, stride): the integers. */
    float[] integers = new float[0];

    /** (rows × parts, stride / 4, 3): the same for words of bytes that are multiplied unmasked, see {@link ShiftedActivations}. */
    int[] coefficients = new int[0];

    private float[] scales = new float[0];
    private int[] zeroPoints = new int[0];

    /** Rows of {@code parts × columns} values. */
    FixedPointRows(int parts, int columns) {
        this.parts = parts;
        this.columns = columns;
        this.stride = Math.ceilDiv(columns, BLOCK) * BLOCK;
    }

    private FixedPointRows(FixedPointRows source, int columns) {
        this(source.columns / columns * source.parts, columns);
        integers = source.integers;
        coefficients = source.coefficients;
        scales = source.scales;
        zeroPoints = source.zeroPoints;
    }

    /** The same values in parts of fewer columns, a divisor of these parts' and a multiple of 32. */
    FixedPointRows reshaped(int columns) {
        return columns == this.columns ? this : new FixedPointRows(this, columns);
    }

    /** Makes sure that there is room for rows. */
    void reserve(int rows) {
        if (rows > scales.length) {
            integers = new float[Math.multiplyExact(Math.multiplyExact(rows, parts), stride)];
            coefficients = new int[Math.multiplyExact(integers.length / 4, COEFFICIENTS)];
            scales = new float[rows];
            zeroPoints = new int[rows];
        }
    }

    @Override
    public long bytes() {
        int bytesPerValue = Float.BYTES + COEFFICIENTS * Integer.BYTES / 4;
        return (long) rows() * (parts * stride * bytesPerValue + Float.BYTES + Integer.BYTES);
    }

    @Override
    public int columns() {
        return columns;
    }

    /** The number of values of a row. */
    int width() {
        return parts * columns;
    }

    @Override
    public int rows() {
        return scales.length;
    }

    /** Where the integers of input {@code input} = row × parts + part begin. */
    int at(int input) {
        return input * stride;
    }

    /** What an integer step of an input is worth; NaN if its row held a value that is no finite number. */
    float scale(int input) {
        return scales[input / parts];
    }

    /** The integer that means 0 in an input. */
    int zeroPoint(int input) {
        return zeroPoints[input / parts];
    }

    /** Quantizes a row of floats. */
    void quantize(MemorySegment x, long offset, int row) {
        float[] reals = reals(width());
        MemorySegment.copy(x, ValueLayout.JAVA_FLOAT, offset, reals, 0, width());
        Optional<Range> range = AffineVectors.range(reals, width());
        if (range.isEmpty()) {
            scales[row] = Float.NaN;
            zeroPoints[row] = 0;
            Arrays.fill(integers, at(row * parts), at((row + 1) * parts), 0);
        } else {
            AffineParameters mapping = AffineParameters.of(range.get(), Symmetry.ASYMMETRIC, IntegerWidth.INT8);
            scales[row] = mapping.scale();
            zeroPoints[row] = mapping.zeroPoint();
            for (int part = 0; part < parts; part++) {
                AffineVectors.quantize(mapping, reals, part * columns, columns, integers, at(row * parts + part));
            }
        }
        derive(at(row * parts), at((row + 1) * parts));
    }

    private static float[] reals(int count) {
        float[] reals = REALS.get();
        if (reals.length < count) {
            reals = new float[count];
            REALS.set(reals);
        }
        return reals;
    }

    private void derive(int begin, int end) {
        for (int i = begin; i < end; i += 4) {
            int x0 = (int) integers[i];
            int x1 = (int) integers[i + 1];
            int x2 = (int) integers[i + 2];
            int x3 = (int) integers[i + 3];
            int to = i / 4 * COEFFICIENTS;
            coefficients[to] = pair(x0, x2);
            coefficients[to + 1] = pair(x1 - BYTE_STEPS * x0, x3 - BYTE_STEPS * x2);
            coefficients[to + 2] = pair(ADDED - BYTE_STEPS / 2 * (x0 + x1), -BYTE_STEPS / 2 * (x2 + x3));
        }
    }

    private static int pair(int low, int high) {
        return low & 0xffff | high << Short.SIZE;
    }
}
