package dev.nibble.model;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.MemoryModel;
import dev.nibble.device.Resources;
import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.model.TensorRole.Kind;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** The weights of a model, or of some of its layers, on a device, found by their role and layer. */
public final class Weights implements AutoCloseable {
    private final Map<TensorRole, Weight[]> matrices = new EnumMap<>(TensorRole.class);
    private final Map<TensorRole, Buffer[]> vectors = new EnumMap<>(TensorRole.class);
    /** What was loaded for one use and serves the others. */
    private final Map<WeightShape, Weight> loaded = new HashMap<>();

    private final Resources resources = new Resources();
    private final Buffer ropeFrequencies;
    private long bytes;

    private Weights(Device device, ModelSource source, List<Tensor> tensors, LongConsumer progress) {
        try {
            long done = 0;
            for (Tensor tensor : tensors) {
                load(device, source, tensor);
                done += tensor.source().shape().bytes();
                progress.accept(done);
            }
            this.ropeFrequencies = ropeFrequencies(device, source);
        } catch (RuntimeException | Error e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    /**
     * Loads weights of a model.
     *
     * @param tensors those that the device is to have
     * @param progress told the file bytes loaded so far, after each tensor
     */
    public static Weights load(Device device, ModelSource source, List<Tensor> tensors, LongConsumer progress) {
        return new Weights(device, source, tensors, progress);
    }

    /**
     * One use of a tensor of the model.
     *
     * @param role what it is
     * @param layer its layer, 0 for roles without layers
     * @param source its values
     */
    public record Tensor(TensorRole role, int layer, WeightSource source) {
        /** The use that a device loads it for; a vector becomes a buffer instead. */
        public WeightUse use() {
            return role.kind() == Kind.TABLE ? WeightUse.TABLE : WeightUse.MATRIX;
        }

        /** The device memory that it takes. */
        public long bytesOn(MemoryModel device) {
            WeightShape shape = source.shape();
            return role.kind() == Kind.VECTOR ? shape.values() * Float.BYTES : device.weightBytes(shape, use());
        }
    }

    /** The device memory that tensors take together: where a device has one layout, one that is used twice is loaded once. */
    public static long bytesOn(MemoryModel device, List<Tensor> tensors) {
        Set<WeightShape> counted = new HashSet<>();
        long sum = 0;
        for (Tensor tensor : tensors) {
            if (counted.add(tensor.source().shape()) || !device.hasOneLayout()) {
                sum += tensor.bytesOn(device);
            }
        }
        return sum;
    }

    /**
     * What has to be loaded, in order; a model without an output matrix uses its token embedding twice.
     *
     * @throws RuntimeException what the source makes of a missing tensor
     */
    public static List<Tensor> tensors(ModelSource source) {
        ModelConfig config = source.config();
        List<Tensor> tensors = new ArrayList<>();
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; layer < (role.perLayer() ? config.layers() : 1); layer++) {
                if (!role.possible(config, layer)) {
                    continue;
                }
                Optional<WeightSource> found = source.find(role, layer);
                if (found.isEmpty() && role == TensorRole.OUTPUT) {
                    found = source.find(TensorRole.TOKEN_EMBEDDING, 0);
                }
                if (found.isEmpty() && role.required(config, layer)) {
                    throw source.missing(role.tensorName(layer));
                }
                if (found.isPresent()) {
                    tensors.add(new Tensor(role, layer, found.get()));
                }
            }
        }
        return Collections.unmodifiableList(tensors);
    }

    /** A weight that every model has, or this model is known to have. */
    public Weight matrix(TensorRole role, int layer) {
        Weight[] layers = matrices.get(role);
        if (layers == null || layers[layer] == null) {
            throw new IllegalStateException("there is no " + role.tensorName(layer) + " here");
        }
        return layers[layer];
    }

    /** A row of floats that this model is known to have. */
    public Buffer vector(TensorRole role, int layer) {
        Buffer vector = vectorOrNull(role, layer);
        if (vector == null) {
            throw new IllegalStateException("there is no " + role.tensorName(layer) + " here");
        }
        return vector;
    }

    /** A row of floats, or null if this model has none. */
    public @Nullable Buffer vectorOrNull(TensorRole role, int layer) {
        Buffer[] layers = vectors.get(role);
        return layers == null ? null : layers[layer];
    }

    /** F32 (1, rotated / 2): radians per position of each rotated pair. */
    public Buffer ropeFrequencies() {
        return ropeFrequencies;
    }

    /** The device memory that these weights take. */
    public long bytes() {
        return bytes;
    }

    /**
     * Sums a measure over what one token needs of tensors: all matrices, and of the experts the share that it uses.
     *
     * @param config of the model, or of the part of it that has these
     */
    public static double perToken(ModelConfig config, List<Tensor> tensors, ToLongFunction<Tensor> measure) {
        return tensors.stream()
                .filter(tensor ->
                        tensor.role().kind() != Kind.TABLE && tensor.role().kind() != Kind.VECTOR)
                .mapToDouble(tensor -> share(config, tensor.role()) * measure.applyAsLong(tensor))
                .sum();
    }

    private static double share(ModelConfig config, TensorRole role) {
        if (role == TensorRole.KEY_UP) {
            return 0; // Prompts use it instead of another.
        }
        ExpertConfig experts = config.experts();
        return role.kind() == Kind.EXPERTS && experts != null ? (double) experts.used() / experts.count() : 1;
    }

    /** Sums a measure over what one token needs of these: all matrices, and of the experts the share that it uses. */
    public double perToken(ModelConfig config, ToLongFunction<Weight> measure) {
        double sum = 0;
        for (Map.Entry<TensorRole, Weight[]> entry : matrices.entrySet()) {
            double share = share(config, entry.getKey());
            for (Weight weight : entry.getValue()) {
                sum += weight == null || entry.getKey().kind() == Kind.TABLE ? 0 : share * measure.applyAsLong(weight);
            }
        }
        return sum;
    }

    @Override
    public void close() {
        resources.close();
    }

    private void load(Device device, ModelSource source, Tensor tensor) {
        int layers = tensor.role().perLayer() ? source.config().layers() : 1;
        if (tensor.role().kind() == Kind.VECTOR) {
            Buffer vector = upload(device, decode(tensor.source()));
            vectors.computeIfAbsent(tensor.role(), role -> new Buffer[layers])[tensor.layer()] = vector;
            bytes += vector.bytes();
        } else {
            Weight[] weights = matrices.computeIfAbsent(tensor.role(), role -> new Weight[layers]);
            weights[tensor.layer()] = device.hasOneLayout()
                    ? loaded.computeIfAbsent(tensor.source().shape(), shape -> load(device, tensor))
                    : load(device, tensor);
        }
    }

    private Weight load(Device device, Tensor tensor) {
        Weight weight = resources.own(device.load(tensor.source(), tensor.use()));
        bytes += weight.bytes();
        return weight;
    }

    private Buffer ropeFrequencies(Device device, ModelSource source) {
        float[] factors =
                source.find(TensorRole.ROPE_FACTORS, 0).map(Weights::decode).orElseGet(() -> new float[0]);
        return upload(device, source.config().rope().frequencies(factors));
    }

    private static float[] decode(WeightSource source) {
        WeightShape shape = source.shape();
        float[] values = new float[shape.columns()];
        BlockFormat.of(shape.type()).decode(source.rows(0, 1), 0, values, 0, values.length);
        return values;
    }

    private Buffer upload(Device device, float[] values) {
        Buffer buffer = resources.own(device.allocate(ElementType.F32, 1, values.length));
        device.queue().write(buffer, 0, MemorySegment.ofArray(values));
        return buffer;
    }
}
