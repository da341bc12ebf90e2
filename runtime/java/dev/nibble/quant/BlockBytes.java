package dev.nibble.quant;

/** Little-endian numbers inside the bytes of a block; the bytes are those of the file, so no alignment is promised. */
final class BlockBytes {
    private BlockBytes() {}

    /** The unsigned byte at {@code at}. */
    static int u8(byte[] bytes, int at) {
        return bytes[at] & 0xff;
    }

    /** The unsigned 16-bit number at {@code at}. */
    static int u16(byte[] bytes, int at) {
        return u8(bytes, at) | u8(bytes, at + 1) << 8;
    }

    /** The 32 bits at {@code at}. */
    static int i32(byte[] bytes, int at) {
        return u16(bytes, at) | u16(bytes, at + 2) << 16;
    }

    /** The float16 at {@code at}, as a float. */
    static float f16(byte[] bytes, int at) {
        return Float.float16ToFloat((short) u16(bytes, at));
    }

    /** Stores the low 16 bits of {@code value} at {@code at}. */
    static void putU16(byte[] bytes, int at, int value) {
        bytes[at] = (byte) value;
        bytes[at + 1] = (byte) (value >> 8);
    }

    /** Stores the 32 bits of {@code value} at {@code at}. */
    static void putI32(byte[] bytes, int at, int value) {
        putU16(bytes, at, value);
        putU16(bytes, at + 2, value >> 16);
    }

    /** Stores the float16 nearest to {@code value} at {@code at}. */
    static void putF16(byte[] bytes, int at, float value) {
        putU16(bytes, at, Float.floatToFloat16(value));
    }

    /**
     * A block's scale rounded to float16: what a decoder will read, so what quants must be based on.
     *
     * @throws IllegalArgumentException if the scale is not finite in float16
     */
    static float roundScale(float scale) {
        float rounded = Float.float16ToFloat(Float.floatToFloat16(scale));
        if (!Float.isFinite(rounded)) {
            throw new IllegalArgumentException("a block's scale would be " + scale
                    + ", which float16 cannot hold (at most 65504): the values are too large or not finite");
        }
        return rounded;
    }

    /** Stores {@link #roundScale} of {@code scale} at {@code at}, and returns it. */
    static float putScale(byte[] bytes, int at, float scale) {
        float rounded = roundScale(scale);
        putF16(bytes, at, rounded);
        return rounded;
    }
}
