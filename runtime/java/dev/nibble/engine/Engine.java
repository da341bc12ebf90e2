package dev.nibble.engine;

import dev.nibble.device.Device;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvRotation;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.model.TensorRole;
import dev.nibble.model.Weights;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongConsumer;

/** A model on a device, ready to run: its weights, its KV cache, its forward pass and the scheduler that feeds it. */
public final class Engine implements AutoCloseable {
    /** Tokens in a page of the KV cache: a multiple of the lanes of all SIMD widths, small enough to share short prefixes. */
    static final int PAGE_TOKENS = 32;

    private static final int MOST_SLOTS = 64;
    private static final long LOGITS_BYTES = 32L << 20;
    private static final int LEAST_OUTPUTS = 8;

    private final Deque<AutoCloseable> resources = new ArrayDeque<>();
    private final MemoryPlan plan;
    private final ModelConfig config;
    private final KvLayout kvLayout;
    private final Weights weights;
    private final Scheduler scheduler;

    private Engine(Device device, ModelSource source, EngineOptions options, LongConsumer progress) {
        this.config = source.config();
        StepLimits limits = limits(config, options);
        this.kvLayout = new KvLayout(
                config.kvHeads(),
                config.keySize(),
                config.valueSize(),
                options.keyType(),
                options.valueType(),
                PAGE_TOKENS);
        int pages = Math.ceilDiv(options.cacheTokens(), PAGE_TOKENS);
        this.plan = plan(device, source, limits, pages, options.rotation());
        plan.requireFits();
        try {
            weights = own(Weights.load(device, source, progress));
            KvCache cache = own(new KvCache(device, kvLayout, options.rotation(), config.layers(), pages, limits));
            ForwardPass forward = own(new ForwardPass(device, config, weights, cache, limits));
            scheduler = own(new Scheduler(forward, cache, new BatchPlanner(cache, limits), options.contextLength()));
            scheduler.start();
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /**
     * Loads a model onto a device and starts its scheduler. The caller keeps device and source open for as long.
     *
     * @param progress told the file bytes loaded so far
     * @throws dev.nibble.OutOfCapacityException if it does not fit, before anything is allocated
     * @throws dev.nibble.UnsupportedFeatureException if the device cannot do a part of it
     * @throws dev.nibble.InvalidModelException if a tensor is missing or has a wrong shape
     */
    public static Engine open(Device device, ModelSource source, EngineOptions options, LongConsumer progress) {
        return new Engine(device, source, options, progress);
    }

    /** Where sequences are opened and fed. */
    public Scheduler scheduler() {
        return scheduler;
    }

    /** The memory that was planned. */
    public MemoryPlan plan() {
        return plan;
    }

    /** The device memory that the weights take. */
    public long weightBytes() {
        return weights.bytes();
    }

    /** Bytes of the KV cache per token, in all layers. */
    public long kvTokenBytes() {
        return config.layers() * kvLayout.tokenBytes();
    }

    /** Bytes of weights that one decoded token reads: all matrices, and of the experts those that it uses. */
    public long bytesPerToken() {
        return Math.round(weights.perToken(config, weight -> weight.bytes()));
    }

    /** Products of a weight and an activation that one token of a prompt takes, without those of the output matrix. */
    public long multiplyAddsPerToken() {
        long output = weights.matrix(TensorRole.OUTPUT, 0).shape().values();
        return Math.round(weights.perToken(config, weight -> weight.shape().values())) - output;
    }

    /** Ends all sequences and frees everything that the engine allocated. Closing again does nothing. */
    @Override
    public void close() {
        while (!resources.isEmpty()) {
            switch (resources.pop()) {
                case Scheduler running -> running.close();
                case ForwardPass forward -> forward.close();
                case KvCache cache -> cache.close();
                case Weights loaded -> loaded.close();
                default -> throw new IllegalStateException("nothing else is owned");
            }
        }
    }

    private static StepLimits limits(ModelConfig config, EngineOptions options) {
        int rows = (int) Math.min(options.rows(), (long) options.contextLength() * MOST_SLOTS);
        long outputs = LOGITS_BYTES / ((long) config.vocabulary() * Float.BYTES);
        int pages = Math.ceilDiv(options.contextLength(), PAGE_TOKENS);
        return new StepLimits(rows, (int) Math.clamp(outputs, Math.min(LEAST_OUTPUTS, rows), rows), MOST_SLOTS, pages);
    }

    private MemoryPlan plan(Device device, ModelSource source, StepLimits limits, int pages, KvRotation rotation) {
        long weightBytes = Weights.tensors(source).stream()
                .mapToLong(tensor -> tensor.bytesOn(device))
                .sum();
        long scratch = StepBuffers.estimateBytes(config, limits);
        return new MemoryPlan(
                device.name(),
                weightBytes,
                (long) config.layers() * pages * kvLayout.pageBytes(),
                rotation.describe(kvLayout),
                scratch,
                device.freeMemory());
    }

    private <T extends AutoCloseable> T own(T resource) {
        resources.push(resource);
        return resource;
    }
}
