package dev.nibble.device.reference;

import dev.nibble.device.KvType;

/**
 * Quantized values of the KV cache: for each block of 32 its scale, the upper half of a float, then its integers, 4-bit ones two to a
 * byte, the first in the low half.
 *
 * @param bytes (values / 32, bytes of a block)
 */
record KvBlocks(KvType type, byte[] bytes) {
    private static final int SCALE_BYTES = 2;
    private static final float[] SPANS = KvType.spans();

    /** Blocks for so many values, whose scales are NaN. */
    static KvBlocks of(KvType type, int count) {
        KvBlocks blocks = new KvBlocks(type, new byte[(int) type.bytes(count)]);
        for (int value = 0; value < count; value += KvType.BLOCK) {
            blocks.setScale(value, Float.NaN);
        }
        return blocks;
    }

    /** Stores {@code count} values of {@code source} as the values from {@code to} on. */
    void store(float[] source, int from, int to, int count) {
        for (int block = 0; block < count; block += KvType.BLOCK) {
            float scale = scale(source, from + block);
            setScale(to + block, scale);
            for (int i = block; i < block + KvType.BLOCK; i++) {
                set(to + i, quantize(source[from + i], scale));
            }
        }
    }

    private float scale(float[] x, int at) {
        float least = x[at];
        float largest = x[at];
        for (int i = at; i < at + KvType.BLOCK; i++) {
            least = Math.min(least, x[i]);
            largest = Math.max(largest, x[i]);
        }
        float magnitude = Math.max(largest, -least);
        if (magnitude < KvType.LEAST_MAGNITUDE) {
            return 0;
        }
        if (type == KvType.Q8_0) {
            return bfloat16(magnitude / 127);
        }
        return bestScale(x, at, largest == magnitude ? largest : least);
    }

    private float bestScale(float[] x, int at, float farthest) {
        float best = 0;
        float leastError = 0;
        for (int i = 0; i < SPANS.length; i++) {
            float scale = bfloat16(farthest / -SPANS[i]);
            float error = error(x, at, scale);
            if (i == 0 || error < leastError) {
                best = scale;
                leastError = error;
            }
        }
        return best;
    }

    private float error(float[] x, int at, float scale) {
        float sum = 0;
        for (int i = at; i < at + KvType.BLOCK; i++) {
            float error = x[i] - quantize(x[i], scale) * scale;
            sum += error * error;
        }
        return sum;
    }

    private int quantize(float x, float scale) {
        float inverse = scale == 0 ? 0 : 1 / scale;
        return type == KvType.Q8_0
                ? Math.clamp((int) (x * inverse + 128.5f) - 128, -127, 127)
                : Math.clamp((int) (x * inverse + 8.5f) - 8, -8, 7);
    }

    /** The nearest bfloat16, the even one among equals. */
    private static float bfloat16(float x) {
        if (Float.isNaN(x)) {
            return x;
        }
        int bits = Float.floatToRawIntBits(x);
        return Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
    }

    /** The value at an index. */
    float get(int index) {
        return scaleAt(index) * integer(index);
    }

    private int blockAt(int index) {
        return (int) type.bytes(index - index % KvType.BLOCK);
    }

    private float scaleAt(int index) {
        int at = blockAt(index);
        return Float.intBitsToFloat((bytes[at] & 0xff) << 16 | bytes[at + 1] << 24);
    }

    private void setScale(int index, float scale) {
        int bits = Float.floatToRawIntBits(scale);
        bytes[blockAt(index)] = (byte) (bits >> 16);
        bytes[blockAt(index) + 1] = (byte) (bits >> 24);
    }

    private int integer(int index) {
        int i = index % KvType.BLOCK;
        int at = blockAt(index) + SCALE_BYTES;
        if (type == KvType.Q8_0) {
            return bytes[at + i];
        }
        int high = bytes[at + i / 2] >> 4;
        return i % 2 == 1 ? high : (byte) (bytes[at + i / 2] << 4) >> 4;
    }

    private void set(int index, int value) {
        int i = index % KvType.BLOCK;
        int at = blockAt(index) + SCALE_BYTES;
        if (type == KvType.Q8_0) {
            bytes[at + i] = (byte) value;
        } else if (i % 2 == 0) {
            bytes[at + i / 2] = (byte) (value & 15);
        } else {
            bytes[at + i / 2] |= (byte) (value << 4);
        }
    }
}
