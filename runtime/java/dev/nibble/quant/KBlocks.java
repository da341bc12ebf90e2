package dev.nibble.quant;

import static dev.nibble.quant.BlockBytes.f16;
import static dev.nibble.quant.BlockBytes.putF16;
import static dev.nibble.quant.BlockBytes.u8;

import java.util.Arrays;

/**
 * Blocks of 256 values in groups of 16 or 32, each group with a scale (and a minimum) of its own, which is itself a
 * small integer times the block's float16 scale. Source: ggml.
 */
final class KBlocks {
    private static final int LENGTH = 256;

    private static final Codebook THREE_BITS = new Codebook.Integers(-4, 3);
    private static final Codebook SIX_BITS = new Codebook.Integers(-32, 31);

    // Where the search puts the value farthest from zero.
    private static final float[] THREE_BIT_ENDS = {-3.1f, -3.55f, -4, -4.45f, -4.9f};
    private static final float[] SIX_BIT_ENDS = {-31.1f, -31.55f, -32, -32.45f, -32.9f};

    private KBlocks() {}

    /**
     * 84 bytes: {@code scales[16]}, {@code qs[64]}, float16 {@code d}, float16 {@code dmin}. Value 128 h + 32 j + i has
     * bits 2 j … of qs[32 h + i] as q; of its group of 16 the scale s is the low half of the scale byte, the minimum m
     * the high half. A value is d · s · q − dmin · m.
     */
    static final class Q2_K implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 84 * b;
                float d = f16(bytes, from + 80);
                float dmin = f16(bytes, from + 82);
                for (int group = 0; group < 16; group++) {
                    float scale = d * (bytes[from + group] & 15);
                    float minimum = dmin * (bytes[from + group] >> 4 & 15);
                    int quants = from + 16 + twoBitByte(group);
                    int to = at + LENGTH * b + 16 * group;
                    for (int i = 0; i < 16; i++) {
                        values[to + i] = scale * (bytes[quants + i] >> twoBitShift(group) & 3) - minimum;
                    }
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            GroupedValues groups = new GroupedValues(values, weights, 16 * blocks, 16);
            AffineSearch lines = new AffineSearch(groups, 3, true, AffineSearch.NARROW);
            AffineGroups fit = new AffineGroups(lines, 16, 3, 15);
            for (int b = 0; b < blocks; b++) {
                int to = 84 * b;
                int from = LENGTH * b;
                putF16(bytes, to + 80, fit.d(b));
                putF16(bytes, to + 82, fit.dmin(b));
                Arrays.fill(bytes, to + 16, to + 80, (byte) 0);
                for (int group = 0; group < 16; group++) {
                    bytes[to + group] = (byte) (fit.scale(16 * b + group) | fit.minimum(16 * b + group) << 4);
                    Line line = fit.line(16 * b + group);
                    for (int i = 0; i < 16; i++) {
                        int q = line.nearest(values[from + 16 * group + i]);
                        bytes[to + 16 + twoBitByte(group) + i] |= (byte) (q << twoBitShift(group));
                    }
                }
            }
        }
    }

    /**
     * 110 bytes: {@code hmask[32]}, {@code qs[64]}, {@code scales[12]}, float16 {@code d}. The low two bits of q lie
     * as in {@link Q2_K}; its third bit, for value 32 j + i, is bit j of hmask[i]. The scale s of a group of 16 has
     * six bits: see {@link #scale}. A value is d · (s − 32) · (q − 4).
     */
    static final class Q3_K implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 110 * b;
                float d = f16(bytes, from + 108);
                for (int group = 0; group < 16; group++) {
                    float scale = d * (scale(bytes, from + 96, group) - 32);
                    int quants = from + 32 + twoBitByte(group);
                    int high = from + group % 2 * 16;
                    int to = at + LENGTH * b + 16 * group;
                    for (int i = 0; i < 16; i++) {
                        int q = bytes[quants + i] >> twoBitShift(group) & 3 | (bytes[high + i] >> group / 2 & 1) << 2;
                        values[to + i] = scale * (q - 4);
                    }
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            GroupedValues groups = new GroupedValues(values, weights, 16 * blocks, 16);
            float[] wanted = ScaleSearch.best(groups, THREE_BITS, THREE_BIT_ENDS);
            ScaledGroups fit = new ScaledGroups(groups, THREE_BITS, wanted, 16, -32, 31);
            for (int b = 0; b < blocks; b++) {
                int to = 110 * b;
                int from = LENGTH * b;
                putF16(bytes, to + 108, fit.d(b));
                Arrays.fill(bytes, to, to + 108, (byte) 0);
                for (int group = 0; group < 16; group++) {
                    putScale(bytes, to + 96, group, fit.scale(16 * b + group) + 32);
                    float inverse = fit.inverse(16 * b + group);
                    for (int i = 0; i < 16; i++) {
                        int q = THREE_BITS.number(values[from + 16 * group + i] * inverse);
                        bytes[to + 32 + twoBitByte(group) + i] |= (byte) ((q & 3) << twoBitShift(group));
                        bytes[to + group % 2 * 16 + i] |= (byte) (q >> 2 << group / 2);
                    }
                }
            }
        }

        /**
         * Low four bits: a half of bytes 0–7, low halves first; high two bits: bits 2 (group / 4) … of byte 8 + group
         * % 4.
         */
        private static int scale(byte[] bytes, int at, int group) {
            int low = bytes[at + group % 8] >> group / 8 * 4 & 15;
            int high = bytes[at + 8 + group % 4] >> group / 4 * 2 & 3;
            return low | high << 4;
        }

        private static void putScale(byte[] bytes, int at, int group, int scale) {
            bytes[at + group % 8] |= (byte) ((scale & 15) << group / 8 * 4);
            bytes[at + 8 + group % 4] |= (byte) (scale >> 4 << group / 4 * 2);
        }
    }

    /**
     * 144 bytes: float16 {@code d}, float16 {@code dmin}, {@code scales[12]}, {@code qs[128]}. Value 64 h + i has the
     * low half of qs[32 h + i] as q, value 64 h + 32 + i its high half. Scale s and minimum m of a group of 32 have
     * six bits each: see {@link #groupScale}. A value is d · s · q − dmin · m.
     */
    static final class Q4_K implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 144 * b;
                float d = f16(bytes, from);
                float dmin = f16(bytes, from + 2);
                for (int group = 0; group < 8; group++) {
                    float scale = d * groupScale(bytes, from + 4, group);
                    float minimum = dmin * groupMinimum(bytes, from + 4, group);
                    int quants = from + 16 + group / 2 * 32;
                    int shift = group % 2 * 4;
                    int to = at + LENGTH * b + 32 * group;
                    for (int i = 0; i < 32; i++) {
                        values[to + i] = scale * (bytes[quants + i] >> shift & 15) - minimum;
                    }
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            GroupedValues groups = new GroupedValues(values, weights, 8 * blocks, 32);
            AffineSearch lines = new AffineSearch(groups, 15, true, AffineSearch.AROUND);
            AffineGroups fit = new AffineGroups(lines, 8, 15, 63);
            for (int b = 0; b < blocks; b++) {
                int to = 144 * b;
                int from = LENGTH * b;
                putGroups(bytes, to, fit, b);
                Arrays.fill(bytes, to + 16, to + 144, (byte) 0);
                for (int group = 0; group < 8; group++) {
                    Line line = fit.line(8 * b + group);
                    for (int i = 0; i < 32; i++) {
                        int q = line.nearest(values[from + 32 * group + i]);
                        bytes[to + 16 + group / 2 * 32 + i] |= (byte) (q << group % 2 * 4);
                    }
                }
            }
        }
    }

    /**
     * 176 bytes: as {@link Q4_K}, with {@code qh[32]} between scales and qs: bit 4 of q, for value i of group g, is
     * bit g of qh[i].
     */
    static final class Q5_K implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 176 * b;
                float d = f16(bytes, from);
                float dmin = f16(bytes, from + 2);
                for (int group = 0; group < 8; group++) {
                    float scale = d * groupScale(bytes, from + 4, group);
                    float minimum = dmin * groupMinimum(bytes, from + 4, group);
                    int quants = from + 48 + group / 2 * 32;
                    int shift = group % 2 * 4;
                    int to = at + LENGTH * b + 32 * group;
                    for (int i = 0; i < 32; i++) {
                        int q = bytes[quants + i] >> shift & 15 | (bytes[from + 16 + i] >> group & 1) << 4;
                        values[to + i] = scale * q - minimum;
                    }
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            GroupedValues groups = new GroupedValues(values, weights, 8 * blocks, 32);
            AffineSearch lines = new AffineSearch(groups, 31, true, AffineSearch.AROUND);
            AffineGroups fit = new AffineGroups(lines, 8, 31, 63);
            for (int b = 0; b < blocks; b++) {
                int to = 176 * b;
                int from = LENGTH * b;
                putGroups(bytes, to, fit, b);
                Arrays.fill(bytes, to + 16, to + 176, (byte) 0);
                for (int group = 0; group < 8; group++) {
                    Line line = fit.line(8 * b + group);
                    for (int i = 0; i < 32; i++) {
                        int q = line.nearest(values[from + 32 * group + i]);
                        bytes[to + 48 + group / 2 * 32 + i] |= (byte) ((q & 15) << group % 2 * 4);
                        bytes[to + 16 + i] |= (byte) (q >> 4 << group);
                    }
                }
            }
        }
    }

    /**
     * 210 bytes: {@code ql[128]}, {@code qh[64]}, signed {@code scales[16]}, float16 {@code d}. For value 128 h + 32
     * j + i the low four bits of q are a half (the high one for j ≥ 2) of ql[64 h + 32 (j % 2) + i], its high two
     * bits are bits 2 j … of qh[32 h + i]. A value is d · scale of its group of 16 · (q − 32).
     */
    static final class Q6_K implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 210 * b;
                float d = f16(bytes, from + 208);
                for (int group = 0; group < 16; group++) {
                    float scale = d * bytes[from + 192 + group];
                    int low = from + sixBitLowByte(group);
                    int high = from + 128 + twoBitByte(group);
                    int to = at + LENGTH * b + 16 * group;
                    for (int i = 0; i < 16; i++) {
                        int q = bytes[low + i] >> sixBitLowShift(group) & 15
                                | (bytes[high + i] >> twoBitShift(group) & 3) << 4;
                        values[to + i] = scale * (q - 32);
                    }
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            GroupedValues groups = new GroupedValues(values, weights, 16 * blocks, 16);
            float[] wanted = ScaleSearch.best(groups, SIX_BITS, SIX_BIT_ENDS);
            ScaledGroups fit = new ScaledGroups(groups, SIX_BITS, wanted, 16, -128, 127);
            for (int b = 0; b < blocks; b++) {
                int to = 210 * b;
                int from = LENGTH * b;
                putF16(bytes, to + 208, fit.d(b));
                Arrays.fill(bytes, to, to + 192, (byte) 0);
                for (int group = 0; group < 16; group++) {
                    bytes[to + 192 + group] = (byte) fit.scale(16 * b + group);
                    float inverse = fit.inverse(16 * b + group);
                    for (int i = 0; i < 16; i++) {
                        int q = SIX_BITS.number(values[from + 16 * group + i] * inverse);
                        bytes[to + sixBitLowByte(group) + i] |= (byte) ((q & 15) << sixBitLowShift(group));
                        bytes[to + 128 + twoBitByte(group) + i] |= (byte) (q >> 4 << twoBitShift(group));
                    }
                }
            }
        }
    }

    /** Where the two-bit numbers of a group of 16 begin, in bytes. */
    private static int twoBitByte(int group) {
        return group / 8 * 32 + group % 2 * 16;
    }

    /** By how many bits the two-bit numbers of a group of 16 are shifted in their bytes. */
    private static int twoBitShift(int group) {
        return group % 8 / 2 * 2;
    }

    /** Where the low halves of the six-bit numbers of a group of 16 begin, in bytes. */
    private static int sixBitLowByte(int group) {
        return group / 8 * 64 + group % 4 * 16;
    }

    /** By how many bits the low halves of the six-bit numbers of a group of 16 are shifted in their bytes. */
    private static int sixBitLowShift(int group) {
        return group % 8 / 4 * 4;
    }

    /**
     * The six-bit scale of a group of 32: for groups 0–3 the low six bits of byte {@code group}; for groups 4–7 the low
     * half of byte {@code group + 4}, below the top two bits of byte {@code group − 4}.
     */
    private static int groupScale(byte[] bytes, int at, int group) {
        if (group < 4) {
            return bytes[at + group] & 63;
        }
        return bytes[at + group + 4] & 15 | u8(bytes, at + group - 4) >> 6 << 4;
    }

    /**
     * The six-bit minimum of a group of 32: for groups 0–3 the low six bits of byte {@code group + 4}; for groups 4–7
     * the high half of byte {@code group + 4}, below the top two bits of byte {@code group}.
     */
    private static int groupMinimum(byte[] bytes, int at, int group) {
        if (group < 4) {
            return bytes[at + group + 4] & 63;
        }
        return u8(bytes, at + group + 4) >> 4 | u8(bytes, at + group) >> 6 << 4;
    }

    /** Stores what Q4_K and Q5_K begin with: {@code d}, {@code dmin}, and the scales and minima of eight groups. */
    private static void putGroups(byte[] bytes, int at, AffineGroups fit, int block) {
        putF16(bytes, at, fit.d(block));
        putF16(bytes, at + 2, fit.dmin(block));
        for (int group = 0; group < 4; group++) {
            int scale = fit.scale(8 * block + group + 4);
            int minimum = fit.minimum(8 * block + group + 4);
            bytes[at + 4 + group] = (byte) (fit.scale(8 * block + group) | scale >> 4 << 6);
            bytes[at + 8 + group] = (byte) (fit.minimum(8 * block + group) | minimum >> 4 << 6);
            bytes[at + 12 + group] = (byte) (scale & 15 | (minimum & 15) << 4);
        }
    }
}
