package dev.nibble.quant;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The block formats that can be decoded: one row per tensor type, with its codec in plain Java. These decoders are the
 * oracle of every device kernel: their values equal those of ggml bit for bit. All methods are thread-safe.
 */
public enum BlockFormat {
    F64(TensorType.F64, new FloatBlocks.F64()),
    F32(TensorType.F32, new FloatBlocks.F32()),
    F16(TensorType.F16, new FloatBlocks.F16()),
    BF16(TensorType.BF16, new FloatBlocks.BF16()),
    Q4_0(TensorType.Q4_0, new LegacyBlocks.Q4_0()),
    Q4_1(TensorType.Q4_1, new LegacyBlocks.Q4_1()),
    Q5_0(TensorType.Q5_0, new LegacyBlocks.Q5_0()),
    Q5_1(TensorType.Q5_1, new LegacyBlocks.Q5_1()),
    Q8_0(TensorType.Q8_0, new LegacyBlocks.Q8_0()),
    Q2_K(TensorType.Q2_K, new KBlocks.Q2_K()),
    Q3_K(TensorType.Q3_K, new KBlocks.Q3_K()),
    Q4_K(TensorType.Q4_K, new KBlocks.Q4_K()),
    Q5_K(TensorType.Q5_K, new KBlocks.Q5_K()),
    Q6_K(TensorType.Q6_K, new KBlocks.Q6_K()),
    IQ1_S(TensorType.IQ1_S, new GridBlocks.IQ1_S()),
    IQ1_M(TensorType.IQ1_M, new GridBlocks.IQ1_M()),
    IQ2_XXS(TensorType.IQ2_XXS, new GridBlocks.IQ2_XXS()),
    IQ2_XS(TensorType.IQ2_XS, new GridBlocks.IQ2_XS()),
    IQ2_S(TensorType.IQ2_S, new GridBlocks.IQ2_S()),
    IQ3_XXS(TensorType.IQ3_XXS, new GridBlocks.IQ3_XXS()),
    IQ3_S(TensorType.IQ3_S, new GridBlocks.IQ3_S()),
    IQ4_NL(TensorType.IQ4_NL, new CodebookBlocks.IQ4_NL()),
    IQ4_XS(TensorType.IQ4_XS, new CodebookBlocks.IQ4_XS()),
    MXFP4(TensorType.MXFP4, new CodebookBlocks.MXFP4()),
    TQ1_0(TensorType.TQ1_0, new TernaryBlocks.TQ1_0()),
    TQ2_0(TensorType.TQ2_0, new TernaryBlocks.TQ2_0());

    private static final Map<TensorType, BlockFormat> BY_TYPE = new EnumMap<>(TensorType.class);

    /** A row passes through a scratch array of about this many bytes, which stays in the first-level cache. */
    private static final int CHUNK_BYTES = 4096;

    /** Values that are encoded at once: enough groups side by side, still in the first-level cache. */
    private static final int CHUNK_VALUES = 4096;

    static {
        for (BlockFormat format : values()) {
            BY_TYPE.put(format.type, format);
        }
    }

    private final TensorType type;
    private final BlockCodec codec;

    BlockFormat(TensorType type, BlockCodec codec) {
        this.type = type;
        this.codec = codec;
    }

    /**
     * The format of a tensor type.
     *
     * @throws UnsupportedFeatureException if there is no decoder for it
     */
    public static BlockFormat of(TensorType type) {
        BlockFormat format = BY_TYPE.get(type);
        if (format == null) {
            String known = Arrays.stream(values()).map(BlockFormat::name).collect(Collectors.joining(", "));
            throw new UnsupportedFeatureException(
                    "tensors of type " + type + " cannot be decoded; the types that can are " + known);
        }
        return format;
    }

    /** Whether {@link #of} knows this type. */
    public static boolean isDecodable(TensorType type) {
        return BY_TYPE.containsKey(type);
    }

    /** The tensor type that this row decodes. */
    public TensorType type() {
        return type;
    }

    /** Values in one block. */
    public int blockLength() {
        return type.blockLength();
    }

    /** Bytes of one block. */
    public int blockBytes() {
        return type.blockBytes();
    }

    /** Whether {@link #encode} works for this format. */
    public boolean isEncodable() {
        return codec instanceof BlockEncoder;
    }

    /**
     * Decodes consecutive blocks to floats.
     *
     * @param blocks memory that holds the blocks; no alignment is needed
     * @param offset byte offset of the first block
     * @param values receives the values
     * @param at index of the first value written
     * @param count number of values, a multiple of the block length
     * @throws IllegalArgumentException if {@code count} is no such multiple
     * @throws IndexOutOfBoundsException if the blocks do not lie in {@code blocks}, or the values in {@code values}
     */
    public void decode(MemorySegment blocks, long offset, float[] values, int at, int count) {
        long size = checkedBytes(blocks, offset, values, at, count);
        int step = Math.max(1, CHUNK_BYTES / blockBytes());
        byte[] chunk = new byte[(int) Math.min(size, (long) step * blockBytes())];
        for (long done = 0; done < size; done += chunk.length) {
            int bytes = (int) Math.min(chunk.length, size - done);
            MemorySegment.copy(blocks, ValueLayout.JAVA_BYTE, offset + done, chunk, 0, bytes);
            int first = (int) (done / blockBytes());
            codec.decode(chunk, values, at + first * blockLength(), bytes / blockBytes());
        }
    }

    /**
     * Encodes floats to consecutive blocks, each block so that the sum of its squared errors is small.
     *
     * @param values holds the values, all finite
     * @param at index of the first value
     * @param count number of values, a multiple of the block length
     * @param blocks memory that receives the blocks; no alignment is needed
     * @param offset byte offset of the first block written
     * @throws UnsupportedFeatureException if this format has no encoder
     * @throws IllegalArgumentException if {@code count} is no such multiple, or if a scale would not be finite in float16
     * @throws IndexOutOfBoundsException if the blocks do not fit into {@code blocks}, or the values do not lie in
     *     {@code values}
     */
    public void encode(float[] values, int at, int count, MemorySegment blocks, long offset) {
        encode(values, at, count, null, blocks, offset);
    }

    /**
     * The same for whole rows in which the errors of some columns matter more.
     *
     * @param importance how much the squared error of each of a row's values matters, none negative; only their ratios
     *     count; null: all the same
     * @throws IllegalArgumentException also if {@code count} is no multiple of a row's length
     */
    public void encode(
            float[] values, int at, int count, float @Nullable [] importance, MemorySegment blocks, long offset) {
        if (!(codec instanceof BlockEncoder encoder)) {
            throw new UnsupportedFeatureException("there is no encoder for " + this + "; the types that have one are "
                    + Arrays.stream(values())
                            .filter(BlockFormat::isEncodable)
                            .map(BlockFormat::name)
                            .collect(Collectors.joining(", ")));
        }
        long size = checkedBytes(blocks, offset, values, at, count);
        ErrorWeights weights = new ErrorWeights(importance, count);
        int chunkBlocks = Math.min(count, CHUNK_VALUES) / blockLength();
        float[] chunkValues = new float[chunkBlocks * blockLength()];
        float[] chunkWeights = new float[chunkValues.length];
        byte[] chunk = new byte[chunkBlocks * blockBytes()];
        for (int done = 0; done < count; done += chunkValues.length) {
            int length = Math.min(chunkValues.length, count - done);
            System.arraycopy(values, at + done, chunkValues, 0, length);
            weights.copyTo(chunkWeights, done, length);
            int bytes = length / blockLength() * blockBytes();
            encoder.encode(chunkValues, chunkWeights, chunk, length / blockLength());
            long to = offset + type.rowBytes(done);
            MemorySegment.copy(chunk, 0, blocks, ValueLayout.JAVA_BYTE, to, bytes);
        }
    }

    private long checkedBytes(MemorySegment blocks, long offset, float[] values, int at, int count) {
        Objects.checkFromIndexSize(at, count, values.length);
        long size = type.rowBytes(count);
        Objects.checkFromIndexSize(offset, size, blocks.byteSize());
        return size;
    }
}
