package dev.nibble.device;

import dev.nibble.gguf.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;

/** A weight of random blocks: every bit pattern that the format allows, with scales of a sane size. */
final class RandomWeight implements WeightSource {
    private final WeightShape shape;
    private final MemorySegment blocks;

    /** A weight of random bits. */
    RandomWeight(WeightShape shape, long seed) {
        this(shape, randomBytes((int) shape.bytes(), new Random(seed)), new Random(~seed));
    }

    /** A weight whose bytes are all the same but for the scales: the extremes of integer kernels. */
    RandomWeight(WeightShape shape, byte fill) {
        this(shape, filled((int) shape.bytes(), fill), new Random(fill));
    }

    private RandomWeight(WeightShape shape, byte[] bytes, Random random) {
        this.shape = shape;
        for (int block = 0; block < bytes.length; block += shape.type().blockBytes()) {
            scale(shape.type(), bytes, block, random);
        }
        blocks = Arena.ofAuto().allocate(bytes.length, 64);
        MemorySegment.copy(bytes, 0, blocks, ValueLayout.JAVA_BYTE, 0, bytes.length);
    }

    private static byte[] randomBytes(int count, Random random) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] filled(int count, byte fill) {
        byte[] bytes = new byte[count];
        Arrays.fill(bytes, fill);
        return bytes;
    }

    @Override
    public WeightShape shape() {
        return shape;
    }

    @Override
    public MemorySegment rows(long firstRow, int count) {
        return blocks.asSlice(firstRow * shape.rowBytes(), count * shape.rowBytes());
    }

    /** Replaces the bits of a block that hold floating-point scales. */
    private static void scale(TensorType type, byte[] bytes, int block, Random random) {
        switch (type) {
            case F32 -> put(bytes, block, 4, Float.floatToRawIntBits((float) random.nextGaussian()));
            case BF16 -> put(bytes, block, 2, Float.floatToRawIntBits((float) random.nextGaussian()) >>> 16);
            case F16 -> half(bytes, block, random.nextGaussian());
            case MXFP4 -> bytes[block] = (byte) (120 + random.nextInt(8));
            case Q4_1, Q5_1, Q4_K, Q5_K -> {
                half(bytes, block, scale(random));
                half(bytes, block + 2, scale(random));
            }
            case Q2_K -> {
                half(bytes, block + 80, scale(random));
                half(bytes, block + 82, scale(random));
            }
            case Q3_K -> half(bytes, block + 108, scale(random));
            case Q6_K -> half(bytes, block + 208, scale(random));
            case TQ1_0 -> half(bytes, block + 52, scale(random));
            case TQ2_0 -> half(bytes, block + 64, scale(random));
            case IQ1_M -> {
                // The scale lies in the upper four bits of each of the last four 16-bit words.
                int half = Float.floatToFloat16((float) scale(random)) & 0xffff;
                for (int i = 0; i < 4; i++) {
                    int at = block + 48 + 2 * i + 1;
                    bytes[at] = (byte) (bytes[at] & 0x0f | (half >>> 4 * i & 15) << 4);
                }
            }
            default -> half(bytes, block, scale(random));
        }
    }

    private static double scale(Random random) {
        return (random.nextBoolean() ? 1 : -1) * (0.01 + 0.02 * random.nextDouble());
    }

    private static void half(byte[] bytes, int at, double value) {
        put(bytes, at, 2, Float.floatToFloat16((float) value));
    }

    private static void put(byte[] bytes, int at, int count, int bits) {
        for (int i = 0; i < count; i++) {
            bytes[at + i] = (byte) (bits >>> 8 * i);
        }
    }
}
