package dev.nibble;

import dev.nibble.device.KvType;
import dev.nibble.model.SyntheticModel;
import dev.nibble.quantize.Mix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The memory that a model takes on its devices, known from the header of its file before anything is loaded: the plan that
 * {@link LanguageModel#open} then executes.
 *
 * @param model the model's name for people
 * @param types what its weights are stored as, the most bytes first
 * @param context the tokens of a sequence that are asked for
 * @param trainedContext the tokens that it was trained on at once
 * @param cacheTokens tokens that the KV cache holds for all sequences together
 * @param batch the most tokens of a step
 * @param keyType storage of keys
 * @param valueType storage of values
 * @param kvBytesPerToken bytes that the KV cache holds for each token
 * @param devices in the order of the layers
 * @param reason why the layers are where they are, for people
 * @param missing the bytes that devices lack, by their names; empty if the model fits
 * @param contexts for each type of a KV cache, the longest context that fits
 * @param projection how long a token would take, by a model; null where the devices are here and can be measured, and where routed
 *     experts are on the CPU
 * @param advice what would make it fit, one line each; empty if it fits
 */
public record ModelPlan(
        String model,
        List<StoredType> types,
        int context,
        int trainedContext,
        int cacheTokens,
        int batch,
        KvType keyType,
        KvType valueType,
        long kvBytesPerToken,
        List<DevicePart> devices,
        String reason,
        Map<String, Long> missing,
        List<ContextLimit> contexts,
        @Nullable Projection projection,
        List<String> advice) {
    /** Copies the lists. */
    public ModelPlan {
        types = List.copyOf(types);
        devices = List.copyOf(devices);
        missing = Collections.unmodifiableMap(new LinkedHashMap<>(missing));
        contexts = List.copyOf(contexts);
        advice = List.copyOf(advice);
    }

    /**
     * The weights of one type.
     *
     * @param type its name, e.g. {@code q4_0}
     * @param tensors that are stored so
     * @param weights their number
     * @param bytes of the file
     * @param nominalBytes of these, what the bits in the type's name account for; the rest are scales and offsets
     */
    public record StoredType(String type, int tensors, long weights, long bytes, long nominalBytes) {
        /** Bits that a weight takes with its part of scales and offsets. */
        public double bitsPerWeight() {
            return 8.0 * bytes / weights;
        }
    }

    /**
     * What one device holds.
     *
     * @param device its name
     * @param holds the layers and what else it has, for people
     * @param firstLayer its first layer
     * @param layers how many it has
     * @param weights bytes of weights in its own layout
     * @param kvCache bytes of the KV cache of its layers
     * @param scratch bytes of the activations of the largest step, and what the device takes for steps
     * @param reserved bytes that its driver keeps for itself
     * @param available bytes that it can give beside these
     */
    public record DevicePart(
            String device,
            String holds,
            int firstLayer,
            int layers,
            long weights,
            long kvCache,
            long scratch,
            long reserved,
            long available) {
        /** What the model takes. */
        public long total() {
            return weights + kvCache + scratch;
        }

        /** Bytes that are left; negative: that are missing. */
        public long left() {
            return available - total();
        }
    }

    /**
     * A projection onto devices that are not here.
     *
     * @param token what one does
     * @param bytesPerSecond that such devices may be assumed to read
     */
    public record Projection(TokenProjection token, List<Double> bytesPerSecond) {
        /** Keeps its own list. */
        public Projection {
            bytesPerSecond = List.copyOf(bytesPerSecond);
        }
    }

    /**
     * How long a context can be.
     *
     * @param type storage of keys and values
     * @param tokens the most that fit; 0: none
     */
    public record ContextLimit(KvType type, int tokens) {}

    /**
     * Plans a model in a GGUF file, of which only the header is read.
     *
     * @param memory of devices that need not be here, as many as are named; empty: the devices are opened and asked
     * @throws IOException if the file cannot be read
     * @throws InvalidModelException if it is no valid model
     * @throws UnsupportedFeatureException if the model or a device asks for what is not supported
     */
    public static ModelPlan of(Path path, ModelOptions options, List<Long> memory) throws IOException {
        return new ModelPlanner(options, memory).plan(path);
    }

    /**
     * Plans the model that comes with the library.
     *
     * @throws IOException if its temporary copy cannot be written
     */
    public static ModelPlan ofDemo(ModelOptions options, List<Long> memory) throws IOException {
        return BundledModel.open(copy -> of(copy, options, memory));
    }

    /**
     * Plans a model of a public model's exact shapes.
     *
     * @param shape the name and the type of the weights, or their mixture, e.g. {@code llama-3.3-70b:q4_k_m}
     * @throws IllegalArgumentException if there is no such shape or type, naming those that there are
     */
    public static ModelPlan ofShape(String shape, ModelOptions options, List<Long> memory) {
        return new ModelPlanner(options, memory).plan(shape(shape));
    }

    /** A model of a public model's shapes, of one type or a mixture that files are quantized to. */
    static SyntheticModel shape(String name) {
        return SyntheticModel.of(
                name, Arrays.stream(Mix.values()).collect(Collectors.toMap(Mix::id, mix -> mix::typeOf)));
    }

    /** Whether all devices can give what is planned. */
    public boolean fits() {
        return missing.isEmpty();
    }

    /** The number of weights. */
    public long weights() {
        return types.stream().mapToLong(StoredType::weights).sum();
    }

    /** Bytes of the weights in the file. */
    public long fileBytes() {
        return types.stream().mapToLong(StoredType::bytes).sum();
    }
}
