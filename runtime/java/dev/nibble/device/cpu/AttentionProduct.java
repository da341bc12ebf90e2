package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * The products of attention: c (4, columns) (+)= a (4, length) × b (length, columns), with b in the KV cache or a tile of it.
 * Both products have this form: queries by transposed keys, and probabilities by values. The rows of a lie
 * {@link AttentionWorkspace#TILE} apart. The rows of b follow one another; they have {@link CpuKvPages#COLUMNS} columns, or 16.
 *
 * <p>Values of 16 bits lie in pairs, as {@link CpuKvPages#place} says, so that a vector of words holds two vectors of values.
 * They are read as {@code bits << 13}, a float of the same sign and mantissa whose exponent is 112 too small: exact, subnormals
 * too, and a multiplication cheaper than the full conversion. So b comes out 2⁻¹¹² too small; the caller puts the factor back in
 * two halves, a half before and a half after the product, so that nothing overflows.
 */
final class AttentionProduct {
    /** Half the exponent that values of 16 bits lack. */
    static final int HALF_EXPONENT = 56;

    /** Rows of a and c that are worked on together. */
    static final int ROWS = 4;

    /** The distance between rows of a. */
    private static final int STRIDE = AttentionWorkspace.TILE;

    /** The distance between the columns of a pair. */
    private static final int PAIR = CpuKvPages.COLUMNS / 2;

    private static final int SHIFT = 13;
    private static final int SIGN_AND_VALUE = 0x8fffe000;

    private AttentionProduct() {}

    /** Widens rows of 16-bit floats to a tile; 2⁻¹¹² too small. */
    static void widen(
            @Nullable NativeKernels kernels,
            MemorySegment source,
            long at,
            int length,
            int columns,
            MemorySegment target) {
        if (kernels != null) {
            kernels.widen(source, at, length, columns, target);
            return;
        }
        if (columns == CpuKvPages.COLUMNS) {
            widenPairs(source, at, length * columns, target);
            return;
        }
        for (int i = 0; i < length * columns; i += Lanes.COUNT) {
            ShortVector bits = ShortVector.fromMemorySegment(Lanes.HALVES, source, at + i * 2L, Lanes.ORDER);
            IntVector wide = (IntVector) bits.convertShape(VectorOperators.S2I, Lanes.INTS, 0);
            low(wide).intoMemorySegment(target, i * 4L, Lanes.ORDER);
        }
    }

    private static void widenPairs(MemorySegment source, long at, int count, MemorySegment target) {
        for (int row = 0; row < count; row += 2 * PAIR) {
            for (int i = 0; i < PAIR; i += Lanes.COUNT) {
                IntVector words = IntVector.fromMemorySegment(Lanes.INTS, source, at + row * 2L + i * 4L, Lanes.ORDER);
                low(words).intoMemorySegment(target, (row + i) * 4L, Lanes.ORDER);
                high(words).intoMemorySegment(target, (row + i + PAIR) * 4L, Lanes.ORDER);
            }
        }
    }

    /** The values in the low halves of words; 2⁻¹¹² too small. */
    private static FloatVector low(IntVector words) {
        return high(words.lanewise(VectorOperators.LSHL, Short.SIZE));
    }

    /** The values in the high halves of words; 2⁻¹¹² too small. */
    private static FloatVector high(IntVector words) {
        return words.lanewise(VectorOperators.ASHR, Short.SIZE - SHIFT)
                .and(SIGN_AND_VALUE)
                .reinterpretAsFloats();
    }

    /**
     * The product.
     *
     * @param kernels do it, if there are any
     * @param halves whether b is of 16-bit floats; it then has {@link CpuKvPages#COLUMNS} columns
     * @param columns of b
     * @param add whether c is added to, or overwritten
     */
    static void multiply(
            @Nullable NativeKernels kernels,
            boolean halves,
            HeapFloats a,
            int aAt,
            MemorySegment b,
            long bAt,
            int length,
            int columns,
            HeapFloats c,
            int cAt,
            int cStride,
            boolean add) {
        if (kernels != null) {
            kernels.attentionProduct(halves, a.segment(), aAt, b, bAt, length, columns, c.segment(), cAt, cStride, add);
            return;
        }
        for (int i = 0; i < PAIR; i += Lanes.COUNT) {
            if (halves) {
                pairOfHalves(a.array(), aAt, b, bAt + i * 4L, length, columns * 2, c.array(), cAt + i, cStride, add);
            } else if (columns == CpuKvPages.COLUMNS) {
                pairOfFloats(a.array(), aAt, b, bAt + i * 4L, length, columns * 4, c.array(), cAt + i, cStride, add);
            } else {
                singleFloats(a.array(), aAt, b, bAt + i * 4L, length, columns * 4, c.array(), cAt + i, cStride, add);
            }
        }
    }

    private static void pairOfHalves(
            float[] a,
            int aAt,
            MemorySegment b,
            long bAt,
            int length,
            int bStride,
            float[] c,
            int cAt,
            int cStride,
            boolean add) {
        FloatVector c00 = start(c, cAt, add);
        FloatVector c01 = start(c, cAt + PAIR, add);
        FloatVector c10 = start(c, cAt + cStride, add);
        FloatVector c11 = start(c, cAt + cStride + PAIR, add);
        FloatVector c20 = start(c, cAt + 2 * cStride, add);
        FloatVector c21 = start(c, cAt + 2 * cStride + PAIR, add);
        FloatVector c30 = start(c, cAt + 3 * cStride, add);
        FloatVector c31 = start(c, cAt + 3 * cStride + PAIR, add);
        long at = bAt;
        for (int i = 0; i < length; i++, at += bStride) {
            IntVector words = IntVector.fromMemorySegment(Lanes.INTS, b, at, Lanes.ORDER);
            FloatVector b0 = low(words);
            FloatVector b1 = high(words);
            FloatVector a0 = splat(a[aAt + i]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = splat(a[aAt + STRIDE + i]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = splat(a[aAt + 2 * STRIDE + i]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = splat(a[aAt + 3 * STRIDE + i]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + PAIR);
        c10.intoArray(c, cAt + cStride);
        c11.intoArray(c, cAt + cStride + PAIR);
        c20.intoArray(c, cAt + 2 * cStride);
        c21.intoArray(c, cAt + 2 * cStride + PAIR);
        c30.intoArray(c, cAt + 3 * cStride);
        c31.intoArray(c, cAt + 3 * cStride + PAIR);
    }

    private static void pairOfFloats(
            float[] a,
            int aAt,
            MemorySegment b,
            long bAt,
            int length,
            int bStride,
            float[] c,
            int cAt,
            int cStride,
            boolean add) {
        FloatVector c00 = start(c, cAt, add);
        FloatVector c01 = start(c, cAt + PAIR, add);
        FloatVector c10 = start(c, cAt + cStride, add);
        FloatVector c11 = start(c, cAt + cStride + PAIR, add);
        FloatVector c20 = start(c, cAt + 2 * cStride, add);
        FloatVector c21 = start(c, cAt + 2 * cStride + PAIR, add);
        FloatVector c30 = start(c, cAt + 3 * cStride, add);
        FloatVector c31 = start(c, cAt + 3 * cStride + PAIR, add);
        long at = bAt;
        for (int i = 0; i < length; i++, at += bStride) {
            FloatVector b0 = load(b, at);
            FloatVector b1 = load(b, at + 4 * PAIR);
            FloatVector a0 = splat(a[aAt + i]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = splat(a[aAt + STRIDE + i]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = splat(a[aAt + 2 * STRIDE + i]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = splat(a[aAt + 3 * STRIDE + i]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + PAIR);
        c10.intoArray(c, cAt + cStride);
        c11.intoArray(c, cAt + cStride + PAIR);
        c20.intoArray(c, cAt + 2 * cStride);
        c21.intoArray(c, cAt + 2 * cStride + PAIR);
        c30.intoArray(c, cAt + 3 * cStride);
        c31.intoArray(c, cAt + 3 * cStride + PAIR);
    }

    private static void singleFloats(
            float[] a,
            int aAt,
            MemorySegment b,
            long bAt,
            int length,
            int bStride,
            float[] c,
            int cAt,
            int cStride,
            boolean add) {
        FloatVector c00 = start(c, cAt, add);
        FloatVector c10 = start(c, cAt + cStride, add);
        FloatVector c20 = start(c, cAt + 2 * cStride, add);
        FloatVector c30 = start(c, cAt + 3 * cStride, add);
        long at = bAt;
        for (int i = 0; i < length; i++, at += bStride) {
            FloatVector b0 = load(b, at);
            c00 = splat(a[aAt + i]).fma(b0, c00);
            c10 = splat(a[aAt + STRIDE + i]).fma(b0, c10);
            c20 = splat(a[aAt + 2 * STRIDE + i]).fma(b0, c20);
            c30 = splat(a[aAt + 3 * STRIDE + i]).fma(b0, c30);
        }
        c00.intoArray(c, cAt);
        c10.intoArray(c, cAt + cStride);
        c20.intoArray(c, cAt + 2 * cStride);
        c30.intoArray(c, cAt + 3 * cStride);
    }

    private static FloatVector start(float[] c, int at, boolean add) {
        return add ? FloatVector.fromArray(Lanes.FLOATS, c, at) : FloatVector.zero(Lanes.FLOATS);
    }

    private static FloatVector splat(float value) {
        return FloatVector.broadcast(Lanes.FLOATS, value);
    }

    private static FloatVector load(MemorySegment b, long at) {
        return FloatVector.fromMemorySegment(Lanes.FLOATS, b, at, Lanes.ORDER);
    }
}
