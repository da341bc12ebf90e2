package dev.nibble.simulator;

import java.util.SplittableRandom;

/** What an operand of an instruction is given: bits that lie at the edges of its type, and random ones. */
enum OperandValues {
    B16(16, 0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff),
    B32(
            32,
            0,
            1,
            2,
            7,
            0x7f,
            0x80,
            0xff,
            0x8000,
            0xffff,
            0x7fffffff,
            0x80000000L,
            0x80000001L,
            0xfffffffeL,
            0xffffffffL),
    B64(
            64,
            0,
            1,
            2,
            0xffff,
            0x7fffffffL,
            0x80000000L,
            0xffffffffL,
            Long.MAX_VALUE,
            Long.MIN_VALUE,
            Long.MIN_VALUE + 1,
            -2,
            -1),
    F16(
            16, 0, 0x8000, 1, 0x8001, 0x3ff, 0x400, 0x3c00, 0xbc00, 0x3800, 0x4200, 0x7bff, 0xfbff, 0x7c00, 0xfc00,
            0x7e00, 0xfe01),
    BF16(16, 0, 0x8000, 1, 0x8001, 0x7f, 0x80, 0x3f80, 0xbf80, 0x4040, 0x7f7f, 0xff7f, 0x7f80, 0xff80, 0x7fc0, 0xffc1),
    F32(
            32,
            floats(
                    0,
                    -0.0f,
                    1,
                    -1,
                    0.5f,
                    1.5f,
                    2.5f,
                    -2.5f,
                    3,
                    1e-45f,
                    -1e-45f,
                    0x1.fffffcp-127f,
                    0x1p-126f,
                    -0x1p-126f,
                    1e10f,
                    -1e10f,
                    2147483648f,
                    -2147483648f,
                    4294967296f,
                    127.5f,
                    -128.5f,
                    65520f,
                    3.4028235e38f,
                    -3.4028235e38f,
                    Float.POSITIVE_INFINITY,
                    Float.NEGATIVE_INFINITY,
                    Float.NaN,
                    1e-5f,
                    9.2233720e18f)),
    F64(
            64,
            doubles(
                    0,
                    -0.0,
                    1,
                    -1,
                    0.5,
                    1.5,
                    -2.5,
                    4.9e-324,
                    2.2250738585072014e-308,
                    1e-50,
                    1e50,
                    2147483647.5,
                    -2147483648.5,
                    9.223372036854775807e18,
                    -9.3e18,
                    1.8446744073709552e19,
                    Double.MAX_VALUE,
                    Double.POSITIVE_INFINITY,
                    Double.NEGATIVE_INFINITY,
                    Double.NaN,
                    3.4028235677973366e38,
                    1.0000000596046448)),
    /** Floats between -8 and 8. */
    SMALL_F32(32, floats(0, -0.0f, 1, -1, 0.5f, 3.1415927f, -7.9f)),
    /** Positive floats. */
    POSITIVE_F32(32, floats(1, 0.5f, 2, 3, 1e-10f, 1e10f, 1e-38f, 3e38f)),
    /** Distances of shifts and places of bits. */
    SHIFT(32, 0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256);

    private final int bits;
    private final long[] edges;

    OperandValues(int bits, long... edges) {
        this.bits = bits;
        this.edges = edges;
    }

    private static long[] floats(float... values) {
        long[] bits = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            bits[i] = Integer.toUnsignedLong(Float.floatToRawIntBits(values[i]));
        }
        return bits;
    }

    private static long[] doubles(double... values) {
        long[] bits = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            bits[i] = Double.doubleToRawLongBits(values[i]);
        }
        return bits;
    }

    int bits() {
        return bits;
    }

    long next(SplittableRandom random) {
        if (random.nextInt(4) != 0) {
            return edges[random.nextInt(edges.length)];
        }
        return switch (this) {
            case SHIFT -> random.nextInt(80);
            case SMALL_F32 -> Integer.toUnsignedLong(Float.floatToRawIntBits((float) random.nextDouble(-8, 8)));
            case POSITIVE_F32 ->
                Integer.toUnsignedLong(Float.floatToRawIntBits((float) Math.exp(random.nextDouble(-50, 50))));
            default -> bits == 64 ? random.nextLong() : random.nextLong() & ((1L << bits) - 1);
        };
    }
}
