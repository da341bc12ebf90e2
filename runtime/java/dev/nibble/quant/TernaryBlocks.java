package dev.nibble.quant;

import static dev.nibble.quant.BlockBytes.f16;
import static dev.nibble.quant.BlockBytes.u8;

/** Blocks of 256 values that are each −d, 0 or d. */
final class TernaryBlocks {
    private TernaryBlocks() {}

    /**
     * 54 bytes: {@code qs[48]}, {@code qh[4]}, float16 {@code d}. A byte of {@code qs} holds five ternary digits, one
     * of {@code qh} four, as the fraction byte / 256 = 0.t₀t₁t₂… in base 3. Value 32 n + m is digit n of byte m for
     * the first 32 bytes, value 160 + 16 n + m digit n of byte 32 + m for the next 16, value 240 + 4 n + m digit n of
     * {@code qh[m]}.
     */
    static final class TQ1_0 implements BlockCodec {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 54 * b;
                int to = at + 256 * b;
                float d = f16(bytes, from + 52);
                digits(bytes, from, 32, 5, d, values, to);
                digits(bytes, from + 32, 16, 5, d, values, to + 160);
                digits(bytes, from + 48, 4, 4, d, values, to + 240);
            }
        }

        private static void digits(byte[] bytes, int from, int width, int digits, float d, float[] values, int at) {
            int power = 1;
            for (int n = 0; n < digits; n++) {
                for (int m = 0; m < width; m++) {
                    int fraction = u8(bytes, from + m) * power & 0xff;
                    values[at + n * width + m] = ((fraction * 3 >> 8) - 1) * d;
                }
                power *= 3;
            }
        }
    }

    /**
     * 66 bytes: {@code qs[64]}, float16 {@code d}. Value 128 h + 32 n + m is (q − 1) · d, q being bits 2 n and 2 n + 1
     * of byte 32 h + m.
     */
    static final class TQ2_0 implements BlockCodec {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int b = 0; b < blocks; b++) {
                int from = 66 * b;
                int to = at + 256 * b;
                float d = f16(bytes, from + 64);
                for (int i = 0; i < 256; i++) {
                    int q = bytes[from + i / 128 * 32 + i % 32] >> i / 32 % 4 * 2 & 3;
                    values[to + i] = (q - 1) * d;
                }
            }
        }
    }
}
