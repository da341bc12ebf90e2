package dev.nibble.quant;

import static dev.nibble.quant.BlockBytes.i32;
import static dev.nibble.quant.BlockBytes.putF16;
import static dev.nibble.quant.BlockBytes.putI32;
import static dev.nibble.quant.BlockBytes.putU16;
import static dev.nibble.quant.BlockBytes.u16;

/** The types without blocks: each value is one little-endian number of its own. */
final class FloatBlocks {
    private FloatBlocks() {}

    /** 8 bytes: an IEEE 754 binary64 number. Decoding rounds to the nearest float. */
    static final class F64 implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int i = 0; i < blocks; i++) {
                long low = i32(bytes, 8 * i) & 0xffff_ffffL;
                long high = i32(bytes, 8 * i + 4);
                values[at + i] = (float) Double.longBitsToDouble(high << 32 | low);
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            for (int i = 0; i < blocks; i++) {
                long bits = Double.doubleToRawLongBits(values[i]);
                putI32(bytes, 8 * i, (int) bits);
                putI32(bytes, 8 * i + 4, (int) (bits >> 32));
            }
        }
    }

    /** 4 bytes: an IEEE 754 binary32 number. */
    static final class F32 implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int i = 0; i < blocks; i++) {
                values[at + i] = Float.intBitsToFloat(i32(bytes, 4 * i));
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            for (int i = 0; i < blocks; i++) {
                putI32(bytes, 4 * i, Float.floatToRawIntBits(values[i]));
            }
        }
    }

    /** 2 bytes: an IEEE 754 binary16 number. Encoding rounds to nearest, ties to even. */
    static final class F16 implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int i = 0; i < blocks; i++) {
                values[at + i] = BlockBytes.f16(bytes, 2 * i);
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            for (int i = 0; i < blocks; i++) {
                putF16(bytes, 2 * i, values[i]);
            }
        }
    }

    /**
     * 2 bytes: the upper half of an IEEE 754 binary32 number. Encoding rounds to nearest, ties to even; NaN stays
     * NaN.
     */
    static final class BF16 implements BlockEncoder {
        @Override
        public void decode(byte[] bytes, float[] values, int at, int blocks) {
            for (int i = 0; i < blocks; i++) {
                values[at + i] = Float.intBitsToFloat(u16(bytes, 2 * i) << 16);
            }
        }

        @Override
        public void encode(float[] values, float[] weights, byte[] bytes, int blocks) {
            for (int i = 0; i < blocks; i++) {
                putU16(bytes, 2 * i, upperHalf(values[i]));
            }
        }

        private static int upperHalf(float value) {
            int bits = Float.floatToRawIntBits(value);
            if (Float.isNaN(value)) {
                // Rounding could carry a NaN's payload into the sign; the quiet bit keeps it a NaN.
                return bits >>> 16 | 0x40;
            }
            return bits + 0x7fff + (bits >>> 16 & 1) >>> 16;
        }
    }
}
