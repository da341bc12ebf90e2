package dev.nibble.device;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How keys or values are stored in the KV cache.
 *
 * <p>The quantized types hold blocks of {@link #BLOCK} neighbouring values of one head of one token, as integers q and a scale d
 * in bfloat16, the nearest even among equals: a value is q · d. In bfloat16 a scale has the exponents of a float, so that no block is too
 * large or too small for it, and is had by a shift. All arithmetic is in float32, nothing fused:
 *
 * <ul>
 *   <li>Q8_0: with amax the largest magnitude of the block, d = amax / 127; with inverse = 1 / d, or 0 if d is 0,
 *       q = (int) (x · inverse + 128.5) − 128, at least −127 and at most 127.
 *   <li>Q4_0: with m the largest value of the block, or its least if that one is farther from zero, d is the one of m / −s that leaves
 *       the least error, s from {@link #spans}, the first among equals: the error is the sum, from the first value to the last, of
 *       (x − q · d)²; with inverse = 1 / d, or 0 if d is 0, q = (int) (x · inverse + 8.5) − 8, at least −8 and at most 7.
 *   <li>Where the largest magnitude is below {@link #LEAST_MAGNITUDE}, d = 0.
 * </ul>
 */
public enum KvType {
    /** 32-bit floats. */
    F32(1, 4, 32),
    /** 16-bit floats. */
    F16(1, 2, 16),
    /** Blocks of 32 integers of 8 bits. */
    Q8_0(32, 34, 8),
    /** Blocks of 32 integers of 4 bits. */
    Q4_0(32, 18, 4);

    /** Values in a block of the quantized types. */
    public static final int BLOCK = 32;

    /** Blocks whose largest magnitude is below this are zero. */
    public static final float LEAST_MAGNITUDE = 0x1p-100f;

    private static final float[] SPANS = {
        8, 8.25f, 8.5f, 8.75f, 9, 9.25f, 9.5f, 9.75f, 10, 10.25f, 6.5f, 6.75f, 7, 7.25f, 7.5f, 7.75f
    };

    private final int blockLength;
    private final int blockBytes;
    private final int bits;

    KvType(int blockLength, int blockBytes, int bits) {
        this.blockLength = blockLength;
        this.blockBytes = blockBytes;
        this.bits = bits;
    }

    /** Bits of one value, without its share of a scale. */
    public int bits() {
        return bits;
    }

    /** Whether values are stored as integers with a scale. */
    public boolean isQuantized() {
        return blockLength > 1;
    }

    /** Whether heads of so many values divide into blocks. */
    public boolean holds(int headSize) {
        return headSize % blockLength == 0;
    }

    /** Bytes of {@code count} values, which divide into blocks. */
    public long bytes(long count) {
        return count / blockLength * blockBytes;
    }

    /** The numbers of steps tried for Q4_0 between zero and the value farthest from it. */
    public static float[] spans() {
        return SPANS.clone();
    }

    /** The name that options use: the lower-case name. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The type of this name.
     *
     * @throws IllegalArgumentException if there is none, naming those that there are
     */
    public static KvType ofId(String id) {
        for (KvType type : values()) {
            if (type.id().equals(id)) {
                return type;
            }
        }
        throw new IllegalArgumentException("no KV cache type '" + id + "'; there are "
                + Arrays.stream(values()).map(KvType::id).collect(Collectors.joining(", ")));
    }
}
