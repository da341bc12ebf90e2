package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The products of attention: c (4, columns) (+)= a (4, length) × b (length, columns), with b in the KV cache or a tile of it.
 * Both products have this form: queries by transposed keys, and probabilities by values.
 *
 * <p>Values of 16 bits are read as {@code bits << 13}, a float of the same sign and mantissa whose exponent is 112 too small:
 * exact, subnormals too, and a multiplication cheaper than the full conversion. So b comes out 2⁻¹¹² too small; the caller puts
 * the factor back in two halves, a half before and a half after the product, so that nothing overflows.
 */
final class AttentionProduct {
    /** Half the exponent that values of 16 bits lack. */
    static final int HALF_EXPONENT = 56;

    /** Rows of a and c that are worked on together. */
    static final int ROWS = 4;

    private static final int SHIFT = 13;
    private static final int SIGN_AND_VALUE = 0x8fffe000;

    private AttentionProduct() {}

    /** Widens 16-bit floats; 2⁻¹¹² too small. */
    static FloatVector half(MemorySegment memory, long at) {
        ShortVector bits = ShortVector.fromMemorySegment(Lanes.HALVES, memory, at, Lanes.ORDER);
        IntVector wide = (IntVector) bits.convertShape(VectorOperators.S2I, Lanes.INTS, 0);
        return wide.lanewise(VectorOperators.LSHL, SHIFT).and(SIGN_AND_VALUE).reinterpretAsFloats();
    }

    /** Widens {@code count} 16-bit floats, a multiple of 16, to a tile; 2⁻¹¹² too small. */
    static void widen(MemorySegment source, long at, int count, MemorySegment target, long targetAt) {
        for (int i = 0; i < count; i += Lanes.COUNT) {
            half(source, at + i * 2L).intoMemorySegment(target, targetAt + i * 4L, Lanes.ORDER);
        }
    }

    /**
     * The product with b of 16-bit floats.
     *
     * @param columns a multiple of 16, also the distance between rows of b
     * @param add whether c is added to, or overwritten
     */
    static void halves(
            float[] a,
            int aAt,
            int aStride,
            MemorySegment b,
            long bAt,
            int length,
            int columns,
            float[] c,
            int cAt,
            int cStride,
            boolean add) {
        int column = 0;
        for (; column + 2 * Lanes.COUNT <= columns; column += 2 * Lanes.COUNT) {
            pairOfHalves(a, aAt, aStride, b, bAt + column * 2L, length, columns * 2, c, cAt + column, cStride, add);
        }
        if (column < columns) {
            lastOfHalves(a, aAt, aStride, b, bAt + column * 2L, length, columns * 2, c, cAt + column, cStride, add);
        }
    }

    /** The product with b of 32-bit floats; as {@link #halves}. */
    static void floats(
            float[] a,
            int aAt,
            int aStride,
            MemorySegment b,
            long bAt,
            int length,
            int columns,
            float[] c,
            int cAt,
            int cStride,
            boolean add) {
        int column = 0;
        for (; column + 2 * Lanes.COUNT <= columns; column += 2 * Lanes.COUNT) {
            pairOfFloats(a, aAt, aStride, b, bAt + column * 4L, length, columns * 4, c, cAt + column, cStride, add);
        }
        if (column < columns) {
            lastOfFloats(a, aAt, aStride, b, bAt + column * 4L, length, columns * 4, c, cAt + column, cStride, add);
        }
    }

    private static void pairOfHalves(
            float[] a,
            int aAt,
            int aStride,
            MemorySegment b,
            long bAt,
            int length,
            int bStride,
            float[] c,
            int cAt,
            int cStride,
            boolean add) {
        FloatVector c00 = start(c, cAt, add);
        FloatVector c01 = start(c, cAt + Lanes.COUNT, add);
        FloatVector c10 = start(c, cAt + cStride, add);
        FloatVector c11 = start(c, cAt + cStride + Lanes.COUNT, add);
        FloatVector c20 = start(c, cAt + 2 * cStride, add);
        FloatVector c21 = start(c, cAt + 2 * cStride + Lanes.COUNT, add);
        FloatVector c30 = start(c, cAt + 3 * cStride, add);
        FloatVector c31 = start(c, cAt + 3 * cStride + Lanes.COUNT, add);
        long at = bAt;
        for (int i = 0; i < length; i++, at += bStride) {
            FloatVector b0 = half(b, at);
            FloatVector b1 = half(b, at + Lanes.BYTES / 2);
            FloatVector a0 = splat(a[aAt + i]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = splat(a[aAt + aStride + i]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = splat(a[aAt + 2 * aStride + i]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = splat(a[aAt + 3 * aStride + i]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + Lanes.COUNT);
        c10.intoArray(c, cAt + cStride);
        c11.intoArray(c, cAt + cStride + Lanes.COUNT);
        c20.intoArray(c, cAt + 2 * cStride);
        c21.intoArray(c, cAt + 2 * cStride + Lanes.COUNT);
        c30.intoArray(c, cAt + 3 * cStride);
        c31.intoArray(c, cAt + 3 * cStride + Lanes.COUNT);
    }

    private static void lastOfHalves(
            float[] a,
            int aAt,
            int aStride,
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
            FloatVector b0 = half(b, at);
            c00 = splat(a[aAt + i]).fma(b0, c00);
            c10 = splat(a[aAt + aStride + i]).fma(b0, c10);
            c20 = splat(a[aAt + 2 * aStride + i]).fma(b0, c20);
            c30 = splat(a[aAt + 3 * aStride + i]).fma(b0, c30);
        }
        c00.intoArray(c, cAt);
        c10.intoArray(c, cAt + cStride);
        c20.intoArray(c, cAt + 2 * cStride);
        c30.intoArray(c, cAt + 3 * cStride);
    }

    private static void pairOfFloats(
            float[] a,
            int aAt,
            int aStride,
            MemorySegment b,
            long bAt,
            int length,
            int bStride,
            float[] c,
            int cAt,
            int cStride,
            boolean add) {
        FloatVector c00 = start(c, cAt, add);
        FloatVector c01 = start(c, cAt + Lanes.COUNT, add);
        FloatVector c10 = start(c, cAt + cStride, add);
        FloatVector c11 = start(c, cAt + cStride + Lanes.COUNT, add);
        FloatVector c20 = start(c, cAt + 2 * cStride, add);
        FloatVector c21 = start(c, cAt + 2 * cStride + Lanes.COUNT, add);
        FloatVector c30 = start(c, cAt + 3 * cStride, add);
        FloatVector c31 = start(c, cAt + 3 * cStride + Lanes.COUNT, add);
        long at = bAt;
        for (int i = 0; i < length; i++, at += bStride) {
            FloatVector b0 = load(b, at);
            FloatVector b1 = load(b, at + Lanes.BYTES);
            FloatVector a0 = splat(a[aAt + i]);
            c00 = a0.fma(b0, c00);
            c01 = a0.fma(b1, c01);
            FloatVector a1 = splat(a[aAt + aStride + i]);
            c10 = a1.fma(b0, c10);
            c11 = a1.fma(b1, c11);
            FloatVector a2 = splat(a[aAt + 2 * aStride + i]);
            c20 = a2.fma(b0, c20);
            c21 = a2.fma(b1, c21);
            FloatVector a3 = splat(a[aAt + 3 * aStride + i]);
            c30 = a3.fma(b0, c30);
            c31 = a3.fma(b1, c31);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + Lanes.COUNT);
        c10.intoArray(c, cAt + cStride);
        c11.intoArray(c, cAt + cStride + Lanes.COUNT);
        c20.intoArray(c, cAt + 2 * cStride);
        c21.intoArray(c, cAt + 2 * cStride + Lanes.COUNT);
        c30.intoArray(c, cAt + 3 * cStride);
        c31.intoArray(c, cAt + 3 * cStride + Lanes.COUNT);
    }

    private static void lastOfFloats(
            float[] a,
            int aAt,
            int aStride,
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
            c10 = splat(a[aAt + aStride + i]).fma(b0, c10);
            c20 = splat(a[aAt + 2 * aStride + i]).fma(b0, c20);
            c30 = splat(a[aAt + 3 * aStride + i]).fma(b0, c30);
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
