package dev.nibble.device.cpu;

import dev.nibble.device.KvType;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * The values of {@link dev.nibble.device.AttentionOperation.LatentAttention}, which the cache has as parts of keys only: blocks of them are turned
 * round into rows of tokens, once for all queries that are worked on together.
 */
final class LatentValues {
    /** Query heads that are worked on together: enough to make up for turning, few enough that threads share a token. */
    private static final int MOST_HEADS = 64;

    /** What 16-bit values lack as {@link AttentionProduct#widen} reads them. */
    private static final float HALVES = Math.scalb(1f, 2 * AttentionProduct.HALF_EXPONENT);

    private final CpuKvPages cache;
    private final @Nullable NativeKernels kernels;

    /** The places of a value in neighbouring rows of a block. */
    private final int[] places;

    LatentValues(CpuKvPages cache, @Nullable NativeKernels kernels) {
        this.cache = cache;
        this.kernels = kernels;
        this.places =
                IntStream.range(0, Lanes.COUNT).map(i -> i * cache.group()).toArray();
    }

    /** How many of so many query heads are worked on together: a divisor. */
    static int sharing(int heads) {
        int sharing = Math.min(heads, MOST_HEADS);
        while (heads % sharing != 0) {
            sharing--;
        }
        return sharing;
    }

    /** Brings both parts of a query together. */
    static void join(CpuBuffer q, CpuBuffer turned, int row, int head, int heads, MemorySegment to) {
        long first = q.rowBytes() / heads;
        long second = turned.rowBytes() / heads;
        MemorySegment.copy(q.segment(), row * q.rowBytes() + head * first, to, 0, first);
        MemorySegment.copy(turned.segment(), row * turned.rowBytes() + head * second, to, first, second);
    }

    /**
     * Loads a block of latent values as floats.
     *
     * @param column the first of them
     * @param block for (values, tokens)
     * @param target gets (tokens, values)
     */
    void load(int groupNumber, int column, float[] block, MemorySegment target) {
        KvType type = cache.layout().keyType();
        int tokens = cache.group();
        int columns = cache.columnsOfBlock(column);
        int values = Math.min(columns, cache.keySize() - column);
        long at = cache.keysAt(0, groupNumber) + type.bytes((long) column * tokens);
        switch (type) {
            case F32 -> MemorySegment.copy(cache.segment(), at, MemorySegment.ofArray(block), 0, 4L * values * tokens);
            case F16 ->
                AttentionProduct.widen(kernels, cache.segment(), at, values, tokens, MemorySegment.ofArray(block));
            case Q8_0, Q4_0 -> decode(type.bits(), at, block);
        }
        float factor = type == KvType.F16 ? HALVES : 1;
        for (int token = 0; token < tokens; token++) {
            for (int value = 0; value < columns; value += Lanes.COUNT) {
                FloatVector.fromArray(Lanes.FLOATS, block, value * tokens + token, places, 0)
                        .mul(factor)
                        .intoMemorySegment(target, 4L * (token * columns + value), Lanes.ORDER);
            }
        }
    }

    /** Decodes a block of keys: see {@link KvBlock}. */
    private void decode(int bits, long at, float[] block) {
        int tokens = CpuKvPages.COLUMNS;
        int half = tokens / 2;
        for (int first = 0; first < half; first += Lanes.COUNT) {
            IntVector scales = words(at + first * 4L);
            FloatVector low = scales.lanewise(VectorOperators.LSHL, Short.SIZE).reinterpretAsFloats();
            FloatVector high = scales.and(0xffff0000).reinterpretAsFloats();
            decode(bits, at + KvBlock.SCALES + first * 4L, low, block, first);
            decode(bits, at + KvBlock.SCALES + (half + first) * 4L, high, block, half + first);
        }
    }

    /** Decodes a block's values of some neighbouring tokens. */
    private void decode(int bits, long at, FloatVector scales, float[] block, int token) {
        int perWord = Integer.SIZE / bits;
        for (int value = 0; value < KvType.BLOCK; value += perWord) {
            IntVector words = words(at + (long) value / perWord * CpuKvPages.COLUMNS * 4L);
            for (int i = 0; i < perWord; i++) {
                IntVector integers = words.lanewise(VectorOperators.LSHL, i * bits)
                        .lanewise(VectorOperators.ASHR, Integer.SIZE - bits);
                ((FloatVector) integers.convert(VectorOperators.I2F, 0))
                        .mul(scales)
                        .intoArray(block, (value + i) * CpuKvPages.COLUMNS + token);
            }
        }
    }

    private IntVector words(long at) {
        return IntVector.fromMemorySegment(Lanes.INTS, cache.segment(), at, Lanes.ORDER);
    }
}
