package dev.nibble.device.cpu;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Weights of random bytes in a file's block format, with scales of moderate size. */
record RandomWeights(WeightShape shape, MemorySegment bytes) implements WeightSource {
    static RandomWeights of(WeightShape shape, long seed) {
        Random random = new Random(seed);
        byte[] bytes = new byte[Math.toIntExact(shape.bytes())];
        random.nextBytes(bytes);
        return of(shape, bytes, random);
    }

    /** All bytes alike but for the scales. */
    static RandomWeights filled(WeightShape shape, byte bits) {
        byte[] bytes = new byte[Math.toIntExact(shape.bytes())];
        Arrays.fill(bytes, bits);
        return of(shape, bytes, new Random(1));
    }

    private static RandomWeights of(WeightShape shape, byte[] bytes, Random random) {
        MemorySegment segment = Arena.ofAuto().allocate(bytes.length, 2);
        MemorySegment.copy(bytes, 0, segment, ValueLayout.JAVA_BYTE, 0, bytes.length);
        TensorType type = shape.type();
        for (long block = 0; block < shape.bytes(); block += type.blockBytes()) {
            for (int field : halves(type)) {
                float scale = (random.nextFloat() + 0.1f) * (random.nextBoolean() ? 0.01f : -0.01f);
                segment.set(ValueLayout.JAVA_SHORT, block + field, Float.floatToFloat16(scale));
            }
            if (type == TensorType.IQ1_M) {
                splitHalf(segment, block + 48, Float.floatToFloat16((random.nextFloat() + 0.1f) * 0.01f));
            } else if (type == TensorType.F32) {
                segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, block, random.nextFloat() - 0.5f);
            } else if (type == TensorType.BF16) {
                segment.set(ValueLayout.JAVA_SHORT, block, (short) (Float.floatToIntBits(random.nextFloat()) >> 16));
            } else if (type == TensorType.MXFP4) {
                segment.set(ValueLayout.JAVA_BYTE, block, (byte) (120 + random.nextInt(8)));
            }
        }
        return new RandomWeights(shape, segment);
    }

    /** Four bits of a half precision number at the top of each of four 16-bit numbers. */
    private static void splitHalf(MemorySegment segment, long at, short half) {
        for (int i = 0; i < 4; i++) {
            int rest = segment.get(ValueLayout.JAVA_SHORT, at + 2 * i) & 0xfff;
            segment.set(ValueLayout.JAVA_SHORT, at + 2 * i, (short) (rest | (half >> 4 * i & 15) << 12));
        }
    }

    /** Where the half precision numbers of a block lie. */
    static List<Integer> halves(TensorType type) {
        return switch (type) {
            case Q4_1, Q5_1, Q4_K, Q5_K -> List.of(0, 2);
            case Q2_K -> List.of(80, 82);
            case Q3_K -> List.of(108);
            case Q6_K -> List.of(208);
            case TQ1_0 -> List.of(52);
            case TQ2_0 -> List.of(64);
            case F32, BF16, MXFP4, IQ1_M -> List.of();
            default -> List.of(0);
        };
    }

    @Override
    public MemorySegment rows(long firstRow, int count) {
        return bytes.asSlice(firstRow * shape.rowBytes(), count * shape.rowBytes());
    }

    /** All weights decoded, (matrix, row, column). */
    float[] decoded() {
        float[] values = new float[Math.toIntExact(shape.values())];
        BlockFormat.of(shape.type()).decode(bytes, 0, values, 0, values.length);
        return values;
    }

    /** The weights packed. */
    PackedMatrix packed() {
        MemorySegment data = Arena.ofAuto().allocate(PackedMatrix.packedBytes(shape), 64);
        data.fill((byte) 0xff);
        PackedMatrix matrix = new PackedMatrix(shape, data);
        matrix.pack(this, 0, PackedMatrix.tiles(shape));
        return matrix;
    }
}
