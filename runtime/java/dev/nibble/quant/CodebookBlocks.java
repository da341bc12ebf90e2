package dev.nibble.quant;

import static dev.nibble.quant.BlockBytes.f16;
import static dev.nibble.quant.BlockBytes.putF16;
import static dev.nibble.quant.BlockBytes.putScale;
import static dev.nibble.quant.BlockBytes.putU16;
import static dev.nibble.quant.BlockBytes.u16;

import java.util.Arrays;

/** Blocks of 4-bit numbers that choose among sixteen values spread unevenly. */
final class CodebookBlocks {
    private CodebookBlocks() {}

    /** The sixteen values of IQ4_NL and IQ4_XS, ascending; dense near zero, where most weights are. Source: ggml. */
    private static final Codebook NONLINEAR =
            new Codebook.Uneven(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    /** Where the search puts the value farthest from zero. */
    private static final float[] ENDS = {-113, -120, -127, -134, -141, 100, 113, 126};

    /** The values of a sign bit, two exponent bits and a mantissa bit (E2M1). Source: OCP Microscaling Formats 1.0. */
    private static final float[] E2M1 = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};

    /**
     * 18 bytes: float16 {@code d}, {@code qs[16]}. Value i is d · codebook[low bits of qs[i]], value 16 + i that of the
     * high bits.
     */
    static final class IQ4_NL implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                decodeNonlinear(f16(bytes, 18 * b), bytes, 18 * b + 2, values, at + 32 * b);
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            float[] scales = ScaleSearch.best(new GroupedValues(values, weights, blocks, 32), NONLINEAR, ENDS);
            for (int b = 0; b < blocks; b++) {
                float d = putScale(bytes, 18 * b, scales[b]);
                putNonlinear(d == 0 ? 0 : 1 / d, values, 32 * b, bytes, 18 * b + 2);
            }
        }
    }

    /**
     * 136 bytes: float16 {@code d}, 16-bit {@code scalesHigh}, {@code scalesLow[4]}, {@code qs[128]}. Each of eight
     * groups of 32 values is as in {@link IQ4_NL}, with the scale d · (s − 32); the low 4 bits of s of group g are bits
     * 4 g … of {@code scalesLow}, its high 2 bits are bits 2 g … of {@code scalesHigh}.
     */
    static final class IQ4_XS implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 136 * b;
                float d = f16(bytes, from);
                int high = u16(bytes, from + 2);
                for (int group = 0; group < 8; group++) {
                    int low = bytes[from + 4 + group / 2] >> group % 2 * 4 & 15;
                    int scale = low | (high >> 2 * group & 3) << 4;
                    decodeNonlinear(d * (scale - 32), bytes, from + 8 + 16 * group, values, at + 256 * b + 32 * group);
                }
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            GroupedValues groups = new GroupedValues(values, weights, 8 * blocks, 32);
            float[] wanted = ScaleSearch.best(groups, NONLINEAR, ENDS);
            ScaledGroups fit = new ScaledGroups(groups, NONLINEAR, wanted, 8, -32, 31);
            Arrays.fill(bytes, (byte) 0);
            for (int group = 0; group < 8 * blocks; group++) {
                int to = 136 * (group / 8);
                int g = group % 8;
                int scale = fit.scale(group) + 32;
                putF16(bytes, to, fit.d(group / 8));
                putU16(bytes, to + 2, u16(bytes, to + 2) | scale >> 4 << 2 * g);
                bytes[to + 4 + g / 2] |= (byte) ((scale & 15) << g % 2 * 4);
                putNonlinear(fit.inverse(group), values, 32 * group, bytes, to + 8 + 16 * g);
            }
        }
    }

    /**
     * 17 bytes: the exponent byte {@code e}, {@code qs[16]}. Value i is 2^(e − 127) · E2M1[low bits of qs[i]], value
     * 16 + i that of the high bits; e = 255 makes all values NaN. Source: OCP Microscaling Formats 1.0.
     */
    static final class MXFP4 implements BlockCodec {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 17 * b;
                int to = at + 32 * b;
                float scale = powerOfTwo(bytes[from] & 0xff);
                for (int i = 0; i < 16; i++) {
                    int pair = bytes[from + 1 + i];
                    values[to + i] = scale * E2M1[pair & 15];
                    values[to + 16 + i] = scale * E2M1[pair >> 4 & 15];
                }
            }
        }

        /** 2^(exponent − 127), the E8M0 scale: a float's own exponent field, except for its two ends. */
        private static float powerOfTwo(int exponent) {
            return switch (exponent) {
                case 0 -> 0x1p-127f;
                case 255 -> Float.NaN;
                default -> Float.intBitsToFloat(exponent << 23);
            };
        }
    }

    private static void decodeNonlinear(float d, byte[] bytes, int from, float[] values, int at) {
        for (int i = 0; i < 16; i++) {
            int pair = bytes[from + i];
            values[at + i] = d * NONLINEAR.level(pair & 15);
            values[at + 16 + i] = d * NONLINEAR.level(pair >> 4 & 15);
        }
    }

    private static void putNonlinear(float inverse, float[] values, int at, byte[] bytes, int to) {
        for (int i = 0; i < 16; i++) {
            int low = NONLINEAR.number(values[at + i] * inverse);
            int high = NONLINEAR.number(values[at + 16 + i] * inverse);
            bytes[to + i] = (byte) (low | high << 4);
        }
    }
}
