package dev.nibble.device.cpu;

import dev.nibble.device.KvType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Writes tokens to the blocks of a KV cache of a quantized type. A block has 32 values of each of the 32 tokens of a group: first the
 * tokens' scales in bfloat16, those of tokens i and 16 + i in the halves of word i; then words of integers, the first in the highest
 * bits:
 *
 * <ul>
 *   <li>of keys: rows of a word for each token, which holds as many neighbouring values of the token as it has room for;
 *   <li>of values: rows of 16 words. Word i holds columns i and 16 + i of as many tokens as it has room for.
 * </ul>
 *
 * <p>No byte is shared by two tokens, so that threads can write neighbours at once.
 */
final class KvBlock {
    private static final float[] SPANS = KvType.spans();
    private static final int TOKENS = CpuKvPages.COLUMNS;
    private static final int PAIR = TOKENS / 2;

    /** Bytes of the scales. */
    static final int SCALES = TOKENS * Short.BYTES;

    private final MemorySegment cache;
    private final int[] integers = new int[KvType.BLOCK];

    /** For each of {@link #SPANS}: the scale that it gives, and the error that is left. */
    private final float[] candidates = new float[SPANS.length];

    private final float[] errors = new float[SPANS.length];
    private float scale;

    KvBlock(MemorySegment cache) {
        this.cache = cache;
    }

    /** Bytes of a block. */
    static int bytes(KvType type) {
        return (int) type.bytes(TOKENS * KvType.BLOCK);
    }

    /** Quantizes 32 floats, as {@link KvType} defines it, for the writes that follow. */
    void quantize(KvType type, MemorySegment x, long at) {
        FloatVector largest = Rows.load(x, at);
        FloatVector least = largest;
        for (int i = Lanes.COUNT; i < KvType.BLOCK; i += Lanes.COUNT) {
            FloatVector values = Rows.load(x, at + i * 4L);
            largest = largest.max(values);
            least = least.min(values);
        }
        scale = scale(type, x, at, largest.reduceLanes(VectorOperators.MAX), least.reduceLanes(VectorOperators.MIN));
        float inverse = scale == 0 ? 0 : 1 / scale;
        int middle = type == KvType.Q8_0 ? 128 : 8;
        int lowest = type == KvType.Q8_0 ? -127 : -8;
        for (int i = 0; i < KvType.BLOCK; i += Lanes.COUNT) {
            FloatVector steps = Rows.load(x, at + i * 4L).mul(inverse).add(middle + 0.5f);
            IntVector q = ((IntVector) steps.convert(VectorOperators.F2I, 0)).sub(middle);
            q.max(lowest).min(middle - 1).intoArray(integers, i);
        }
    }

    private float scale(KvType type, MemorySegment x, long at, float largest, float least) {
        float magnitude = Math.max(largest, -least);
        if (magnitude < KvType.LEAST_MAGNITUDE) {
            return 0;
        }
        if (type == KvType.Q8_0) {
            return bfloat16(magnitude / 127);
        }
        tryScales(x, at, largest == magnitude ? largest : least);
        int best = 0;
        for (int i = 1; i < SPANS.length; i++) {
            best = errors[i] < errors[best] ? i : best;
        }
        return candidates[best];
    }

    /** Tries all scales for 4 bits, one in each lane. */
    private void tryScales(MemorySegment x, long at, float farthest) {
        for (int i = 0; i < SPANS.length; i++) {
            candidates[i] = bfloat16(farthest / -SPANS[i]);
        }
        for (int i = 0; i < SPANS.length; i += Lanes.COUNT) {
            FloatVector scales = FloatVector.fromArray(Lanes.FLOATS, candidates, i);
            FloatVector inverses = FloatVector.broadcast(Lanes.FLOATS, 1).div(scales);
            FloatVector sum = FloatVector.zero(Lanes.FLOATS);
            for (int value = 0; value < KvType.BLOCK; value++) {
                float one = Rows.get(x, at + value * 4L);
                IntVector q = ((IntVector) inverses.mul(one).add(8.5f).convert(VectorOperators.F2I, 0)).sub(8);
                FloatVector met = ((FloatVector) q.max(-8).min(7).convert(VectorOperators.I2F, 0)).mul(scales);
                FloatVector error = met.sub(one);
                sum = sum.add(error.mul(error));
            }
            sum.intoArray(errors, i);
        }
    }

    /** The nearest bfloat16, the even one among equals. */
    private static float bfloat16(float x) {
        int bits = Float.floatToRawIntBits(x);
        return Float.isNaN(x) ? x : Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
    }

    /** Value number {@code index} of a token's key, whose first block begins at {@code keys}. */
    static float key(MemorySegment cache, KvType type, long keys, int index, int token) {
        long block = keys + (long) index / KvType.BLOCK * bytes(type);
        int perWord = Integer.SIZE / type.bits();
        int value = index % KvType.BLOCK;
        int word = cache.get(ValueLayout.JAVA_INT, block + SCALES + 4L * (value / perWord * TOKENS + token));
        int scales = cache.get(ValueLayout.JAVA_INT, block + 4L * (token % PAIR));
        float scale = Float.intBitsToFloat(token < PAIR ? scales << Short.SIZE : scales & 0xffff0000);
        return (word << value % perWord * type.bits() >> Integer.SIZE - type.bits()) * scale;
    }

    /** Writes what was quantized as 32 values of the key of a token of the group. */
    void writeKey(KvType type, long block, int token) {
        writeScale(block, token);
        int perWord = Integer.SIZE / type.bits();
        int mask = -1 >>> Integer.SIZE - type.bits();
        long at = block + SCALES + token * 4L;
        for (int value = 0; value < KvType.BLOCK; value += perWord, at += TOKENS * 4L) {
            int word = 0;
            for (int i = 0; i < perWord; i++) {
                word = word << type.bits() | integers[value + i] & mask;
            }
            cache.set(ValueLayout.JAVA_INT, at, word);
        }
    }

    /** Writes what was quantized as 32 columns of the value of a token of the group. */
    void writeValue(KvType type, long block, int token) {
        writeScale(block, token);
        int perWord = Integer.SIZE / type.bits() / 2;
        long at = block + SCALES + token / perWord * (PAIR * 4L) + (perWord - 1 - token % perWord) * type.bits() / 4;
        for (int column = 0; column < PAIR; column++, at += 4) {
            if (type == KvType.Q8_0) {
                cache.set(ValueLayout.JAVA_BYTE, at + 1, (byte) integers[column]);
                cache.set(ValueLayout.JAVA_BYTE, at, (byte) integers[PAIR + column]);
            } else {
                int both = integers[column] << 4 | integers[PAIR + column] & 15;
                cache.set(ValueLayout.JAVA_BYTE, at, (byte) both);
            }
        }
    }

    private void writeScale(long block, int token) {
        long at = block + (long) CpuKvPages.place(KvType.F16, TOKENS, token) * Short.BYTES;
        cache.set(ValueLayout.JAVA_SHORT, at, (short) (Float.floatToRawIntBits(scale) >> 16));
    }
}
