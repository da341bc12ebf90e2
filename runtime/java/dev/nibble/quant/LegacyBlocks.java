package dev.nibble.quant;

import static dev.nibble.quant.BlockBytes.f16;
import static dev.nibble.quant.BlockBytes.i32;
import static dev.nibble.quant.BlockBytes.putI32;
import static dev.nibble.quant.BlockBytes.putScale;

/**
 * Blocks of 32 values with one scale: a float16 {@code d}, in the {@code _1} types also a float16 minimum {@code m}.
 * The low four bits of 4- and 5-bit numbers lie in {@code qs[16]}: those of value i are the low half of
 * {@code qs[i]}, those of value 16 + i its high half. Source: ggml.
 */
final class LegacyBlocks {
    private static final int LENGTH = 32;

    private static final Codebook FOUR_BITS = new Codebook.Integers(-8, 7);
    private static final Codebook FIVE_BITS = new Codebook.Integers(-16, 15);
    private static final Codebook EIGHT_BITS = new Codebook.Integers(-127, 127);

    // Where the search puts the value farthest from zero.
    private static final float[] FOUR_BIT_ENDS = {-7.1f, -7.55f, -8, -8.45f, -8.9f};
    private static final float[] FIVE_BIT_ENDS = {-15.1f, -15.55f, -16, -16.45f, -16.9f};
    private static final float[] EIGHT_BIT_ENDS = {-126.4f, -126.7f, -127};

    private LegacyBlocks() {}

    /** 18 bytes: {@code d}, {@code qs[16]}. A value is d · (q − 8). */
    static final class Q4_0 implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 18 * b;
                int to = at + LENGTH * b;
                float d = f16(bytes, from);
                for (int i = 0; i < 16; i++) {
                    int pair = bytes[from + 2 + i];
                    values[to + i] = ((pair & 15) - 8) * d;
                    values[to + 16 + i] = ((pair >> 4 & 15) - 8) * d;
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            float[] scales =
                    ScaleSearch.best(new GroupedValues(values, weights, blocks, LENGTH), FOUR_BITS, FOUR_BIT_ENDS);
            for (int b = 0; b < blocks; b++) {
                int from = LENGTH * b;
                float d = putScale(bytes, 18 * b, scales[b]);
                putLowBits(bytes, 18 * b + 2, values, from, Line.of(d, -8 * d, 15));
            }
        }
    }

    /** 20 bytes: {@code d}, {@code m}, {@code qs[16]}. A value is d · q + m. */
    static final class Q4_1 implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 20 * b;
                int to = at + LENGTH * b;
                float d = f16(bytes, from);
                float m = f16(bytes, from + 2);
                for (int i = 0; i < 16; i++) {
                    int pair = bytes[from + 4 + i];
                    values[to + i] = (pair & 15) * d + m;
                    values[to + 16 + i] = (pair >> 4 & 15) * d + m;
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            AffineSearch lines = new AffineSearch(
                    new GroupedValues(values, weights, blocks, LENGTH), 15, false, AffineSearch.AROUND);
            for (int b = 0; b < blocks; b++) {
                int from = LENGTH * b;
                putLowBits(bytes, 20 * b + 4, values, from, putLine(bytes, 20 * b, lines, b, 15));
            }
        }
    }

    /** 22 bytes: {@code d}, 32-bit {@code qh}, {@code qs[16]}. A value is d · (q − 16); bit 4 of q is bit i of qh. */
    static final class Q5_0 implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 22 * b;
                int to = at + LENGTH * b;
                float d = f16(bytes, from);
                int high = i32(bytes, from + 2);
                for (int i = 0; i < 16; i++) {
                    int pair = bytes[from + 6 + i];
                    values[to + i] = ((pair & 15 | (high >> i & 1) << 4) - 16) * d;
                    values[to + 16 + i] = ((pair >> 4 & 15 | (high >> 16 + i & 1) << 4) - 16) * d;
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            float[] scales =
                    ScaleSearch.best(new GroupedValues(values, weights, blocks, LENGTH), FIVE_BITS, FIVE_BIT_ENDS);
            for (int b = 0; b < blocks; b++) {
                int from = LENGTH * b;
                float d = putScale(bytes, 22 * b, scales[b]);
                Line line = Line.of(d, -16 * d, 31);
                putI32(bytes, 22 * b + 2, highBits(values, from, line));
                putLowBits(bytes, 22 * b + 6, values, from, line);
            }
        }
    }

    /**
     * 24 bytes: {@code d}, {@code m}, 32-bit {@code qh}, {@code qs[16]}. A value is d · q + m; bit 4 of q is bit i of
     * qh.
     */
    static final class Q5_1 implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 24 * b;
                int to = at + LENGTH * b;
                float d = f16(bytes, from);
                float m = f16(bytes, from + 2);
                int high = i32(bytes, from + 4);
                for (int i = 0; i < 16; i++) {
                    int pair = bytes[from + 8 + i];
                    values[to + i] = (pair & 15 | (high >> i & 1) << 4) * d + m;
                    values[to + 16 + i] = (pair >> 4 & 15 | (high >> 16 + i & 1) << 4) * d + m;
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            AffineSearch lines = new AffineSearch(
                    new GroupedValues(values, weights, blocks, LENGTH), 31, false, AffineSearch.AROUND);
            for (int b = 0; b < blocks; b++) {
                int from = LENGTH * b;
                Line line = putLine(bytes, 24 * b, lines, b, 31);
                putI32(bytes, 24 * b + 4, highBits(values, from, line));
                putLowBits(bytes, 24 * b + 8, values, from, line);
            }
        }
    }

    /** 34 bytes: {@code d}, signed bytes {@code qs[32]}. Value i is d · qs[i]. */
    static final class Q8_0 implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 34 * b;
                int to = at + LENGTH * b;
                float d = f16(bytes, from);
                for (int i = 0; i < LENGTH; i++) {
                    values[to + i] = bytes[from + 2 + i] * d;
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            float[] scales =
                    ScaleSearch.best(new GroupedValues(values, weights, blocks, LENGTH), EIGHT_BITS, EIGHT_BIT_ENDS);
            for (int b = 0; b < blocks; b++) {
                int from = LENGTH * b;
                float d = putScale(bytes, 34 * b, Math.abs(scales[b]));
                float inverse = d == 0 ? 0 : 1 / d;
                for (int i = 0; i < LENGTH; i++) {
                    bytes[34 * b + 2 + i] = (byte) (EIGHT_BITS.number(values[from + i] * inverse) - 127);
                }
            }
        }
    }

    /** Stores {@code d} and {@code m} of the line that was found, and returns it as stored. */
    private static Line putLine(byte[] bytes, int to, AffineSearch lines, int block, int most) {
        float d = putScale(bytes, to, lines.step(block));
        return Line.of(d, putScale(bytes, to + 2, lines.start(block)), most);
    }

    private static void putLowBits(byte[] bytes, int to, float[] values, int at, Line line) {
        for (int i = 0; i < 16; i++) {
            int low = line.nearest(values[at + i]) & 15;
            int high = line.nearest(values[at + 16 + i]) & 15;
            bytes[to + i] = (byte) (low | high << 4);
        }
    }

    private static int highBits(float[] values, int at, Line line) {
        int bits = 0;
        for (int i = 0; i < LENGTH; i++) {
            bits |= (line.nearest(values[at + i]) >> 4) << i;
        }
        return bits;
    }
}
