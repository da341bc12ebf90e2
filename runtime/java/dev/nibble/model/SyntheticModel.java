package dev.nibble.model;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * A model of a public model's exact shapes whose weights are deterministic noise: as large and as fast as the real one, without
 * a file. Matrices have the type that is asked for, norms and routers have F32.
 */
public final class SyntheticModel implements ModelSource {
    /** More than a first-level cache holds. */
    private static final int POOL_BYTES = 1 << 18;

    private final ModelShape shape;
    private final TensorType type;
    private final Metadata metadata;
    private final ModelConfig config;

    /** Encoded noise, by type and columns of the weights that are made of it. */
    private final Map<String, MemorySegment> pools = new ConcurrentHashMap<>();

    private SyntheticModel(ModelShape shape, TensorType type) {
        this.shape = shape;
        this.type = type;
        this.metadata = shape.metadata();
        this.config = ModelConfig.of(metadata, shape.vocabulary());
    }

    /**
     * The model of a shape and a type.
     *
     * @param name e.g. {@code llama-3.2-1b:q4_0}
     * @throws IllegalArgumentException if there is no such shape or type, naming those that there are
     */
    public static SyntheticModel of(String name) {
        int colon = name.indexOf(':');
        if (colon < 0) {
            throw new IllegalArgumentException(
                    "the shape '" + name + "' lacks a type; write for example " + name + ":q4_0");
        }
        return new SyntheticModel(ModelShape.ofId(name.substring(0, colon)), type(name.substring(colon + 1)));
    }

    private static TensorType type(String id) {
        return Arrays.stream(BlockFormat.values())
                .filter(format -> format.isEncodable() && id(format).equals(id))
                .findFirst()
                .map(BlockFormat::type)
                .orElseThrow(() -> new IllegalArgumentException("no synthetic weights of type '" + id + "'; there are "
                        + Arrays.stream(BlockFormat.values())
                                .filter(BlockFormat::isEncodable)
                                .map(SyntheticModel::id)
                                .collect(Collectors.joining(", "))));
    }

    private static String id(BlockFormat format) {
        return format.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public Metadata metadata() {
        return metadata;
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public Optional<WeightSource> find(TensorRole role, int layer) {
        boolean output = role == TensorRole.OUTPUT && !shape.tied();
        if (!role.required(config) && !output) {
            return Optional.empty();
        }
        TensorRole.Shape matrix = role.shape(config);
        boolean small = role.kind() == TensorRole.Kind.VECTOR || role == TensorRole.ROUTER;
        String name = role.tensorName(layer);
        WeightShape weight = new WeightShape(
                name, small ? TensorType.F32 : type, role.matrices(config), matrix.rows(), matrix.columns());
        return Optional.of(
                role.kind() == TensorRole.Kind.VECTOR
                        ? new Ones(weight)
                        : new Noise(weight, name.hashCode(), pool(weight)));
    }

    @Override
    public RuntimeException missing(String tensor) {
        return new IllegalStateException("the synthetic model " + shape.id() + " lacks " + tensor);
    }

    @Override
    public void close() {
        // The weights are made as they are read: there is nothing to free.
    }

    /** A norm that leaves all values as they are. */
    private record Ones(WeightShape shape) implements WeightSource {
        @Override
        public MemorySegment rows(long firstRow, int count) {
            float[] ones = new float[count * shape.columns()];
            Arrays.fill(ones, 1f);
            MemorySegment rows = MemorySegment.ofArray(new byte[ones.length * Float.BYTES]);
            MemorySegment.copy(MemorySegment.ofArray(ones), 0, rows, 0, rows.byteSize());
            return rows;
        }
    }

    private MemorySegment pool(WeightShape weight) {
        return pools.computeIfAbsent(weight.type() + " " + weight.columns(), name -> encodedNoise(weight, name));
    }

    private static MemorySegment encodedNoise(WeightShape weight, String name) {
        BlockFormat format = BlockFormat.of(weight.type());
        int blocks = Math.max(4 * Noise.RUN_BLOCKS, POOL_BYTES / format.blockBytes());
        SplittableRandom random = new SplittableRandom(name.hashCode());
        double deviation = 1 / Math.sqrt(weight.columns());
        float[] values = new float[blocks * format.blockLength()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        MemorySegment pool = MemorySegment.ofArray(new byte[blocks * format.blockBytes()]);
        format.encode(values, 0, values.length, pool, 0);
        return pool;
    }

    /** Rows put together from runs of blocks of a pool of encoded noise, chosen by the weight and the row's number. */
    private record Noise(WeightShape shape, long seed, MemorySegment pool) implements WeightSource {
        private static final int RUN_BLOCKS = 16;

        @Override
        public MemorySegment rows(long firstRow, int count) {
            MemorySegment rows = MemorySegment.ofArray(new byte[Math.toIntExact(count * shape.rowBytes())]);
            for (int row = 0; row < count; row++) {
                fill(rows.asSlice(row * shape.rowBytes(), shape.rowBytes()), firstRow + row);
            }
            return rows;
        }

        private void fill(MemorySegment row, long number) {
            SplittableRandom random = new SplittableRandom(seed * 31 + number);
            int blockBytes = shape.type().blockBytes();
            int poolRuns = (int) (pool.byteSize() / blockBytes) - RUN_BLOCKS;
            long runBytes = (long) RUN_BLOCKS * blockBytes;
            for (long at = 0; at < row.byteSize(); at += runBytes) {
                long from = (long) random.nextInt(poolRuns) * blockBytes;
                MemorySegment.copy(pool, from, row, at, Math.min(runBytes, row.byteSize() - at));
            }
        }
    }
}
