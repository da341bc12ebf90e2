package dev.nibble;

import dev.nibble.device.Arithmetic;
import dev.nibble.device.Device;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.device.ProductObserver;
import dev.nibble.engine.EngineOptions;
import dev.nibble.model.CpuExperts;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.Split;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a model is opened.
 *
 * @param devices names of devices, e.g. {@code auto}, {@code cpu}; several share the layers of the model, in this order, and one
 *     that is named twice is opened twice
 * @param device an open device to use in place of named ones, which the model does not close; null: those that are named
 * @param cpuExperts which routed experts are on the CPU, while all else of their layers is on the devices
 * @param tensorSplit the proportions of the model that each of several devices gets, relative to one another; empty: as
 *     free memory and the speeds of the devices allow
 * @param threads threads of devices that run on the CPU; 0: one per processor
 * @param context the most tokens of a sequence; 0: what the model was trained on, at most 4096
 * @param keyType storage of keys in the KV cache
 * @param valueType storage of values in the KV cache
 * @param rotation whether keys and values are turned before they are stored
 * @param arithmetic how linear layers are computed
 * @param batch the most tokens that are computed in one step
 * @param onProgress hears how far loading is
 * @param observer hears what goes into all matrix products; null: nobody, which costs nothing
 */
public record ModelOptions(
        List<String> devices,
        @Nullable Device device,
        List<Double> tensorSplit,
        Split split,
        CpuExperts cpuExperts,
        int threads,
        int context,
        KvType keyType,
        KvType valueType,
        KvRotation rotation,
        Arithmetic arithmetic,
        int batch,
        LoadProgress onProgress,
        @Nullable ProductObserver observer) {
    private static final int DEFAULT_CONTEXT = 4096;
    private static final int DEFAULT_CACHE = 8192;

    /** {@code auto}, all processors, KV cache in f16. */
    public static final ModelOptions DEFAULT = builder().build();

    /** Checks the ranges. */
    public ModelOptions {
        devices = List.copyOf(devices);
        if (devices.isEmpty()) {
            throw new IllegalArgumentException("no device is named; 'auto' chooses one");
        }
        tensorSplit = List.copyOf(tensorSplit);
        if (tensorSplit.stream().anyMatch(part -> !(part > 0) || part.isInfinite())
                || !tensorSplit.isEmpty() && tensorSplit.size() != devices.size()) {
            throw new IllegalArgumentException("a tensor split has one positive number for each of the devices "
                    + String.join(",", devices) + ", not " + tensorSplit);
        }
        if (device != null && (arithmetic != Arithmetic.BLOCK_INT8 || threads != 0 || !tensorSplit.isEmpty())) {
            throw new IllegalArgumentException("a device that is open has its arithmetic and threads, and is one alone:"
                    + " arithmetic, threads and tensor split cannot be chosen with it");
        }
        if (context < 0 || batch < 1 || threads < 0) {
            throw new IllegalArgumentException("context " + context + " and threads " + threads
                    + " must not be negative, batch " + batch + " must be at least 1");
        }
    }

    /**
     * What these ask of an engine for a model.
     *
     * @param speeds of the devices; empty: they are all alike
     */
    EngineOptions engineOptions(ModelConfig config, List<Double> speeds) {
        int tokens = context > 0 ? context : Math.min(config.contextLength(), DEFAULT_CONTEXT);
        return new EngineOptions(
                tokens, cacheTokens(tokens), keyType, valueType, rotation, batch, tensorSplit, speeds, split, 0);
    }

    /** Tokens that the KV cache holds, where there is room: a sequence of the greatest length, or several shorter ones. */
    static int cacheTokens(int context) {
        return Math.max(context, DEFAULT_CACHE);
    }

    /** Starts from the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects options. */
    public static final class Builder {
        private List<String> devices = List.of("auto");
        private @Nullable Device device;
        private List<Double> tensorSplit = List.of();
        private Split split = Split.AUTO;
        private CpuExperts cpuExperts = CpuExperts.AUTO;
        private int threads;
        private int context;
        private KvType keyType = KvType.F16;
        private KvType valueType = KvType.F16;
        private KvRotation rotation = KvRotation.AUTO;
        private Arithmetic arithmetic = Arithmetic.BLOCK_INT8;
        private int batch = 512;
        private LoadProgress onProgress = (done, total) -> {};
        private @Nullable ProductObserver observer;

        private Builder() {}

        /** The devices to use, by name; several share the layers of the model, in this order. */
        public Builder devices(String... names) {
            this.devices = List.of(names);
            return this;
        }

        /** The proportions of the layers, or of each layer, that each of several devices gets, instead of what its free memory and its speed allow. */
        public Builder tensorSplit(double... proportions) {
            this.tensorSplit = Arrays.stream(proportions).boxed().toList();
            return this;
        }

        /** How several devices share the model: each some layers, or each a part of every layer. */
        public Builder split(Split kind) {
            this.split = kind;
            return this;
        }

        /**
         * Which routed experts are on the CPU, while all else of their layers is on the devices; by default as few as let the model fit.
         */
        public Builder cpuExperts(CpuExperts which) {
            this.cpuExperts = which;
            return this;
        }

        /** Threads of devices that run on the CPU, which work in turns; 0: one per processor. */
        public Builder threads(int count) {
            this.threads = count;
            return this;
        }

        /**
         * An open device to use, for example one that was attached to objects of the application, in place of named ones. It
         * keeps the arithmetic that it was opened with. The model does not close it: close it after the model.
         */
        public Builder device(@Nullable Device open) {
            this.device = open;
            return this;
        }

        /** The most tokens of a sequence; 0: what the model was trained on, at most 4096. */
        public Builder context(int tokens) {
            this.context = tokens;
            return this;
        }

        /** Storage of keys and values in the KV cache. */
        public Builder kvCache(KvType type) {
            return keyCache(type).valueCache(type);
        }

        /** Storage of keys in the KV cache. */
        public Builder keyCache(KvType type) {
            this.keyType = type;
            return this;
        }

        /** Storage of values in the KV cache. */
        public Builder valueCache(KvType type) {
            this.valueType = type;
            return this;
        }

        /** Whether keys and values are turned before they are stored in the KV cache. */
        public Builder rotation(KvRotation choice) {
            this.rotation = choice;
            return this;
        }

        /** How linear layers are computed; not every device offers every way. */
        public Builder arithmetic(Arithmetic choice) {
            this.arithmetic = choice;
            return this;
        }

        /** The most tokens that are computed in one step. */
        public Builder batch(int tokens) {
            this.batch = tokens;
            return this;
        }

        /** Hears how far loading is, on the thread that opens the model. */
        public Builder onProgress(LoadProgress listener) {
            this.onProgress = listener;
            return this;
        }

        /** Hears what goes into all matrix products, on the thread that computes; null: nobody. */
        public Builder observer(@Nullable ProductObserver listener) {
            this.observer = listener;
            return this;
        }

        /** The options. */
        public ModelOptions build() {
            return new ModelOptions(
                    devices,
                    device,
                    tensorSplit,
                    split,
                    cpuExperts,
                    threads,
                    context,
                    keyType,
                    valueType,
                    rotation,
                    arithmetic,
                    batch,
                    onProgress,
                    observer);
        }
    }
}
