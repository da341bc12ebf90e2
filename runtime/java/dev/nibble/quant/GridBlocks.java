package dev.nibble.quant;

import static dev.nibble.quant.BlockBytes.f16;
import static dev.nibble.quant.BlockBytes.i32;
import static dev.nibble.quant.BlockBytes.u16;
import static dev.nibble.quant.BlockBytes.u8;

/**
 * Blocks of 256 values whose quants are numbers of {@link Grid} points. In the IQ2 and IQ3 types a point gives
 * magnitudes; a sign byte belongs to each eight values, bit i set making value i negative. Where only seven bits of it
 * are stored, the eighth makes the number of minus signs even. Source: ggml.
 */
final class GridBlocks {
    private static final byte[] IQ1_POINTS = Grid.IQ1.points(); // [2048][8]
    private static final byte[] IQ2_XXS_POINTS = Grid.IQ2_XXS.points(); // [256][8]
    private static final byte[] IQ2_XS_POINTS = Grid.IQ2_XS.points(); // [512][8]
    private static final byte[] IQ2_S_POINTS = Grid.IQ2_S.points(); // [1024][8]
    private static final byte[] IQ3_XXS_POINTS = Grid.IQ3_XXS.points(); // [256][4]
    private static final byte[] IQ3_S_POINTS = Grid.IQ3_S.points(); // [512][4]

    /** What IQ1 types add to, or take from, each of eight ternary values. */
    private static final float IQ1_SHIFT = 0.125f;

    private GridBlocks() {}

    /**
     * 50 bytes: float16 {@code d}, {@code qs[32]}, 16-bit {@code qh[8]}. For values 32 g …, bits 12–14 of qh[g] are
     * the scale s, bit 15 set makes the shift negative; point p of the group has the number qs[4 g + p] + 256 · (bits
     * 3 p … 3 p + 2 of qh[g]). A value is d · (2 s + 1) · (ternary ± 1/8).
     */
    static final class IQ1_S implements BlockCodec {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 50 * b;
                float d = f16(bytes, from);
                for (int group = 0; group < 8; group++) {
                    int high = u16(bytes, from + 34 + 2 * group);
                    float scale = d * (2 * (high >> 12 & 7) + 1);
                    float shift = (high & 0x8000) != 0 ? -IQ1_SHIFT : IQ1_SHIFT;
                    for (int p = 0; p < 4; p++) {
                        int point = u8(bytes, from + 2 + 4 * group + p) | (high >> 3 * p & 7) << 8;
                        ternary(point, scale, shift, values, at + 256 * b + 32 * group + 8 * p);
                    }
                }
            }
        }
    }

    /**
     * 56 bytes: {@code qs[32]}, {@code qh[16]}, 16-bit {@code scales[4]}. The top four bits of the four scales, in
     * order, make the float16 {@code d}; of the other twelve bits each three are the scale s of 16 values. The number
     * of point p is qs[p] + 256 · (low three bits of half p of qh); the fourth bit of that half set makes its shift
     * negative. A value is d · (2 s + 1) · (ternary ± 1/8).
     */
    static final class IQ1_M implements BlockCodec {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 56 * b;
                float d = splitScale(bytes, from + 48);
                for (int p = 0; p < 32; p++) {
                    int high = u8(bytes, from + 32 + p / 2) >> p % 2 * 4;
                    int s = u16(bytes, from + 48 + p / 8 * 2) >> p / 2 % 4 * 3 & 7;
                    float scale = d * (2 * s + 1);
                    float shift = (high & 8) != 0 ? -IQ1_SHIFT : IQ1_SHIFT;
                    int point = u8(bytes, from + p) | (high & 7) << 8;
                    ternary(point, scale, shift, values, at + 256 * b + 8 * p);
                }
            }
        }

        private static float splitScale(byte[] bytes, int at) {
            int bits = 0;
            for (int i = 0; i < 4; i++) {
                bits |= u16(bytes, at + 2 * i) >> 12 << 4 * i;
            }
            return Float.float16ToFloat((short) bits);
        }
    }

    /**
     * 66 bytes: float16 {@code d}, then for each 32 values four point numbers of a byte and a 32-bit word: bits 7 p …
     * are the signs of point p, bits 28 … the scale s. A value is d · (s + ½) / 4 · ± magnitude.
     */
    static final class IQ2_XXS implements BlockCodec {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                float d = f16(bytes, 66 * b);
                for (int group = 0; group < 8; group++) {
                    int from = 66 * b + 2 + 8 * group;
                    int word = i32(bytes, from + 4);
                    float scale = d * (0.5f + (word >>> 28)) * 0.25f;
                    for (int p = 0; p < 4; p++) {
                        int signs = evenSigns(word >> 7 * p & 127);
                        int to = at + 256 * b + 32 * group + 8 * p;
                        signed(IQ2_XXS_POINTS, 8 * u8(bytes, from + p), 8, scale, signs, values, to);
                    }
                }
            }
        }
    }

    /**
     * 74 bytes: float16 {@code d}, 16-bit {@code qs[32]}, {@code scales[8]}. The low nine bits of qs are a point's
     * number, the other seven its signs. The halves of a scale byte are s of 16 values each. A value is d · (s + ½) /
     * 4 · ± magnitude.
     */
    static final class IQ2_XS implements BlockCodec {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 74 * b;
                float d = f16(bytes, from);
                for (int p = 0; p < 32; p++) {
                    int s = bytes[from + 66 + p / 4] >> p / 2 % 2 * 4 & 15;
                    float scale = d * (0.5f + s) * 0.25f;
                    int q = u16(bytes, from + 2 + 2 * p);
                    signed(IQ2_XS_POINTS, 8 * (q & 511), 8, scale, evenSigns(q >> 9), values, at + 256 * b + 8 * p);
                }
            }
        }
    }

    /**
     * 82 bytes: float16 {@code d}, {@code qs[32]}, {@code signs[32]}, {@code qh[8]}, {@code scales[8]}. The number of
     * point p is qs[p] + 256 · (bits 2 (p % 4) … of qh[p / 4]). The halves of a scale byte are s of 16 values each. A
     * value is d · (s + ½) / 4 · ± magnitude.
     */
    static final class IQ2_S implements BlockCodec {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 82 * b;
                float d = f16(bytes, from);
                for (int p = 0; p < 32; p++) {
                    int s = bytes[from + 74 + p / 4] >> p / 2 % 2 * 4 & 15;
                    float scale = d * (0.5f + s) * 0.25f;
                    int point = u8(bytes, from + 2 + p) | (bytes[from + 66 + p / 4] >> p % 4 * 2 & 3) << 8;
                    int signs = bytes[from + 34 + p];
                    signed(IQ2_S_POINTS, 8 * point, 8, scale, signs, values, at + 256 * b + 8 * p);
                }
            }
        }
    }

    /**
     * 98 bytes: float16 {@code d}, {@code qs[64]}, 32-bit {@code words[8]}. Each byte of qs is the number of a point of
     * four values; bits 7 i … of word g are the signs of values 32 g + 8 i …, its bits 28 … the scale s. A value is d ·
     * (s + ½) / 2 · ± magnitude.
     */
    static final class IQ3_XXS implements BlockCodec {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 98 * b;
                float d = f16(bytes, from);
                for (int group = 0; group < 8; group++) {
                    int word = i32(bytes, from + 66 + 4 * group);
                    float scale = d * (0.5f + (word >>> 28)) * 0.5f;
                    for (int p = 0; p < 8; p++) {
                        int signs = evenSigns(word >> p / 2 * 7 & 127) >> p % 2 * 4;
                        int point = u8(bytes, from + 2 + 8 * group + p);
                        int to = at + 256 * b + 32 * group + 4 * p;
                        signed(IQ3_XXS_POINTS, 4 * point, 4, scale, signs, values, to);
                    }
                }
            }
        }
    }

    /**
     * 110 bytes: float16 {@code d}, {@code qs[64]}, {@code qh[8]}, {@code signs[32]}, {@code scales[4]}. Point p, of
     * four values, has the number qs[p] + 256 · (bit p % 8 of qh[p / 8]). The halves of a scale byte are s of 32 values
     * each. A value is d · (2 s + 1) · ± magnitude.
     */
    static final class IQ3_S implements BlockCodec {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 110 * b;
                float d = f16(bytes, from);
                for (int p = 0; p < 64; p++) {
                    int s = bytes[from + 106 + p / 16] >> p / 8 % 2 * 4 & 15;
                    float scale = d * (1 + 2 * s);
                    int point = u8(bytes, from + 2 + p) | (bytes[from + 66 + p / 8] >> p % 8 & 1) << 8;
                    int signs = bytes[from + 74 + p / 2] >> p % 2 * 4;
                    signed(IQ3_S_POINTS, 4 * point, 4, scale, signs, values, at + 256 * b + 4 * p);
                }
            }
        }
    }

    private static void ternary(int point, float scale, float shift, float[] values, int at) {
        for (int i = 0; i < 8; i++) {
            values[at + i] = scale * (IQ1_POINTS[8 * point + i] + shift);
        }
    }

    private static void signed(byte[] points, int from, int count, float scale, int signs, float[] values, int at) {
        for (int i = 0; i < count; i++) {
            float magnitude = scale * points[from + i];
            values[at + i] = (signs >> i & 1) != 0 ? -magnitude : magnitude;
        }
    }

    private static int evenSigns(int seven) {
        return seven | (Integer.bitCount(seven) & 1) << 7;
    }
}
