package dev.nibble.model;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * A model of a public model's exact shapes whose weights are deterministic noise: as large and as fast as the real one, without
 * a file. Matrices have the type that is asked for, norms and routers have F32.
 */
public final class SyntheticModel implements ModelSource {
    /** More than a first-level cache holds. */
    private static final int POOL_BYTES = 1 << 18;

    private final ModelShape shape;
    private final SyntheticTypes types;
    private final String mixture;
    private final Metadata metadata;
    private final ModelConfig config;

    /** Encoded noise, by type and columns of the weights that are made of it. */
    private final Map<String, MemorySegment> pools = new ConcurrentHashMap<>();

    private SyntheticModel(ModelShape shape, Metadata metadata, String mixture, SyntheticTypes types) {
        this.shape = shape;
        this.mixture = mixture;
        this.types = types;
        this.metadata = metadata;
        this.config = ModelConfig.of(metadata, shape.vocabulary());
    }

    /**
     * The model of a shape and a type, or of its first layers.
     *
     * @param name e.g. {@code llama-3.2-1b:q4_0}, or {@code deepseek-r1/4:ud-iq1_s} for four layers
     * @throws IllegalArgumentException if there is no such shape or type, naming those that there are
     */
    public static SyntheticModel of(String name) {
        return of(name, Map.of());
    }

    /** Which types the matrices of a model have. */
    @FunctionalInterface
    public interface Mixture {
        /**
         * The type of a matrix.
         *
         * @param tensor its name
         * @param metadata of the model
         * @param tied whether the token embedding is the output matrix as well
         */
        TensorType typeOf(String tensor, Metadata metadata, boolean tied);
    }

    /**
     * The model of a shape and a type, or a mixture of types.
     *
     * @param name e.g. {@code llama-3.3-70b:q4_k_m}
     * @param mixtures by their names; a type of the same name goes first
     * @throws IllegalArgumentException if there is no such shape or type, naming those that there are
     */
    public static SyntheticModel of(String name, Map<String, Mixture> mixtures) {
        int colon = name.indexOf(':');
        if (colon < 0) {
            throw new IllegalArgumentException(
                    "the shape '" + name + "' lacks a type; write for example " + name + ":q4_0");
        }
        String[] parts = name.substring(0, colon).split("/", 2);
        ModelShape shape = ModelShape.ofId(parts[0]);
        int layers = parts.length == 1 ? shape.layers() : layers(shape, parts[1]);
        Metadata metadata = shape.metadata(layers);
        String mixture = name.substring(colon + 1);
        SyntheticTypes types = SyntheticTypes.ofId(
                mixture,
                mixtures,
                mix -> (role, layer, config) -> mix.typeOf(role.tensorName(layer), metadata, shape.tied()));
        return new SyntheticModel(shape, metadata, mixture, types);
    }

    private static int layers(ModelShape shape, String text) {
        if (!text.matches("[1-9][0-9]{0,3}") || Integer.parseInt(text) > shape.layers()) {
            throw new IllegalArgumentException(
                    "no '" + text + "' layers of " + shape.id() + ": it has 1 to " + shape.layers());
        }
        return Integer.parseInt(text);
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
    public Optional<String> mixture() {
        return Optional.of(mixture);
    }

    @Override
    public Optional<WeightSource> find(TensorRole role, int layer) {
        boolean optional = role == TensorRole.OUTPUT && !shape.tied()
                || role == TensorRole.SELECTION_BIAS && shape.hasSelectionBias() && role.possible(config, layer);
        if (!role.required(config, layer) && !optional) {
            return Optional.empty();
        }
        TensorRole.Shape matrix = role.shape(config);
        String name = role.tensorName(layer);
        WeightShape weight =
                new WeightShape(name, type(role, layer), role.matrices(config), matrix.rows(), matrix.columns());
        return Optional.of(
                role.kind() == TensorRole.Kind.VECTOR
                        ? new Ones(weight)
                        : new Noise(weight, stored(weight, role, layer), name.hashCode(), () -> pool(weight)));
    }

    /** Files have some of the matrices of latent attention together, in one type: see {@link LatentTensors}. */
    private WeightShape stored(WeightShape weight, TensorRole role, int layer) {
        LatentConfig latent = config.latent();
        if (latent == null) {
            return weight;
        }
        return switch (role) {
            case QUERY_PLAIN, QUERY_TURNED ->
                together(weight, latent.queryRank() > 0 ? "attn_q_b" : "attn_q", layer, config.queryWidth());
            case LATENT, KEY_TURNED -> together(weight, "attn_kv_a_mqa", layer, latent.rank() + latent.turned());
            case QUERY_TO_LATENT, KEY_UP, VALUE_UP -> {
                WeightShape values = new WeightShape(
                        weight.name(), types.of(TensorRole.VALUE_UP, layer, config), 1, 1, latent.rank());
                yield together(values, "attn_kv_b", layer, config.heads() * (latent.plain() + config.valueSize()));
            }
            default -> weight;
        };
    }

    private static WeightShape together(WeightShape part, String name, int layer, int rows) {
        return new WeightShape("blk." + layer + "." + name + ".weight", part.type(), 1, rows, part.columns());
    }

    /** Small tensors have floats; so has the one that is turned round as a file is read, of too few columns for most types. */
    private TensorType type(TensorRole role, int layer) {
        boolean small =
                role.kind() == TensorRole.Kind.VECTOR || role == TensorRole.ROUTER || role == TensorRole.SHARED_ROUTER;
        if (small) {
            return TensorType.F32;
        }
        return role == TensorRole.QUERY_TO_LATENT ? TensorType.F16 : types.of(role, layer, config);
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
        return pools.computeIfAbsent(
                weight.type() + " " + weight.columns(), name -> EncodedNoise.of(weight, POOL_BYTES, name.hashCode()));
    }

    /** Rows put together from runs of blocks of a pool of encoded noise, chosen by the weight and the row's number. */
    private record Noise(WeightShape shape, WeightShape stored, long seed, Supplier<MemorySegment> pools)
            implements WeightSource {
        private static final int RUN_BLOCKS = 16;

        @Override
        public MemorySegment rows(long firstRow, int count) {
            MemorySegment pool = pools.get();
            MemorySegment rows = MemorySegment.ofArray(new byte[Math.toIntExact(count * shape.rowBytes())]);
            for (int row = 0; row < count; row++) {
                fill(rows.asSlice(row * shape.rowBytes(), shape.rowBytes()), firstRow + row, pool);
            }
            return rows;
        }

        private void fill(MemorySegment row, long number, MemorySegment pool) {
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
