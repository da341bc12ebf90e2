package dev.nibble.model;

import dev.nibble.device.WeightShape;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** Blocks of normally distributed weights that keep the variance of what they are multiplied by. */
final class EncodedNoise {
    private static final int LEAST_BLOCKS = 64;

    private EncodedNoise() {}

    /** Whether there are blocks of a format: it has an encoder, or its blocks begin with their scale. */
    static boolean has(BlockFormat format) {
        return format.isEncodable() || beginsWithScale(format.type());
    }

    private static boolean beginsWithScale(TensorType type) {
        return switch (type) {
            case IQ1_S, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S -> true;
            default -> false;
        };
    }

    /** About so many bytes of blocks for a weight. */
    static MemorySegment of(WeightShape weight, int bytes, long seed) {
        BlockFormat format = BlockFormat.of(weight.type());
        int blocks = Math.max(LEAST_BLOCKS, bytes / format.blockBytes());
        SplittableRandom random = new SplittableRandom(seed);
        MemorySegment pool = MemorySegment.ofArray(new byte[blocks * format.blockBytes()]);
        double deviation = 1 / Math.sqrt(weight.columns());
        if (format.isEncodable()) {
            float[] values = new float[blocks * format.blockLength()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (deviation * random.nextGaussian());
            }
            format.encode(values, 0, values.length, pool, 0);
        } else {
            for (long block = 0; block < blocks; block++) {
                fill(pool.asSlice(block * format.blockBytes(), format.blockBytes()), format, deviation, random);
            }
        }
        return pool;
    }

    /** Random bits mean something in such a block; its scale brings them to the deviation that is wanted. */
    private static void fill(MemorySegment block, BlockFormat format, double deviation, SplittableRandom random) {
        byte[] bits = new byte[format.blockBytes()];
        random.nextBytes(bits);
        MemorySegment.copy(MemorySegment.ofArray(bits), 0, block, 0, bits.length);
        block.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, Float.floatToFloat16(1));
        float[] values = new float[format.blockLength()];
        format.decode(block, 0, values, 0, values.length);
        double power = 0;
        for (float value : values) {
            power += value * value;
        }
        float scale = (float) (deviation / Math.sqrt(power / values.length));
        block.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, Float.floatToFloat16(scale));
    }
}
