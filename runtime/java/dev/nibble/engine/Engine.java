package dev.nibble.engine;

import dev.nibble.device.Device;
import dev.nibble.device.Exchange;
import dev.nibble.device.Resources;
import dev.nibble.device.Weight;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Split;
import dev.nibble.model.TensorRole;
import dev.nibble.model.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A model on its devices, ready to run: weights, KV cache, forward pass and the scheduler that feeds it. */
public final class Engine implements AutoCloseable {
    /** Tokens in a page of the KV cache: a multiple of the lanes of all SIMD widths, small enough to share short prefixes. */
    static final int PAGE_TOKENS = 32;

    private final Resources resources = new Resources();
    private final EnginePlan plan;
    private final List<MemoryPlan> memory;
    private final List<Stage> stages = new ArrayList<>();
    /** The routed experts that are on a device of their own; none: all are where their layers are. */
    private final @Nullable RoutedExperts routed;

    private final BatchPlanner planner;
    private final ForwardPass forward;
    private final Scheduler scheduler;

    private Engine(
            List<Device> devices,
            @Nullable Device cpu,
            ModelSource source,
            EngineOptions options,
            LongConsumer progress) {
        List<Weights.Tensor> tensors = Weights.tensors(source);
        CapacityPlanner capacity = new CapacityPlanner(devices, cpu, source.config(), tensors);
        this.plan = capacity.enginePlan(options);
        this.memory = capacity.plan(options);
        MemoryPlan.requireFit(memory);
        try {
            long loaded = 0;
            for (int i = 0; i < devices.size(); i++) {
                long before = loaded;
                stages.add(resources.own(new Stage(
                        devices.get(i),
                        plan.layers(i),
                        plan.of(i),
                        plan.source(i, source),
                        done -> progress.accept(before + done))));
                loaded += plan.tensors(i, tensors).stream()
                        .mapToLong(tensor -> tensor.source().shape().bytes())
                        .sum();
            }
            meet(devices);
            routed = cpu == null || !plan.hasCpuExperts() ? null : loadExperts(cpu, source, loaded, progress);
            KvCache cache = new KvCache(stages.stream().map(Stage::cache).toList(), plan);
            planner = new BatchPlanner(cache, plan.limits());
            forward = new ForwardPass(stages, routed);
            scheduler = resources.own(new Scheduler(forward, cache, planner, options.contextLength()));
            scheduler.start();
        } catch (RuntimeException | Error e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    /** Lets devices that have parts of the same layers add up on their own, where they can; they meet at least twice after the first turn. */
    private void meet(List<Device> devices) {
        if (plan.parts() > 1 && plan.config().layers() > 1) {
            List<Exchange> places = devices.getFirst()
                    .openExchanges(
                            devices,
                            stages.stream()
                                    .map(stage -> stage.buffers().exchanged())
                                    .toList());
            for (int i = 0; i < places.size(); i++) {
                stages.get(i).meet(resources.own(places.get(i)));
            }
        }
    }

    private RoutedExperts loadExperts(Device cpu, ModelSource source, long before, LongConsumer progress) {
        return resources.own(new RoutedExperts(cpu, plan, source, done -> progress.accept(before + done)));
    }

    /** Loads a model onto devices, the experts where their layers are. */
    public static Engine open(List<Device> devices, ModelSource source, EngineOptions options, LongConsumer progress) {
        return open(devices, null, source, options, progress);
    }

    /**
     * Loads a model onto devices and starts its scheduler. The caller keeps devices and source open for as long.
     *
     * @param devices at least one; several share the layers, in this order
     * @param cpu has the routed experts that the options want elsewhere; none if they want none
     * @param progress told the file bytes loaded so far
     * @throws dev.nibble.OutOfCapacityException if it does not fit, before anything is allocated
     * @throws dev.nibble.UnsupportedFeatureException if a device cannot do its part
     * @throws dev.nibble.InvalidModelException if a tensor is missing or has a wrong shape
     * @throws IllegalArgumentException if there are more devices than layers, or proportions leave one without
     */
    public static Engine open(
            List<Device> devices,
            @Nullable Device cpu,
            ModelSource source,
            EngineOptions options,
            LongConsumer progress) {
        return new Engine(devices, cpu, source, options, progress);
    }

    /** Where sequences are opened and fed. */
    public Scheduler scheduler() {
        return scheduler;
    }

    /** The memory that was planned, of each device. */
    public List<MemoryPlan> memory() {
        return memory;
    }

    /** How the devices share the model. */
    public Split split() {
        return plan.parts() > 1 ? Split.TENSOR : Split.LAYER;
    }

    /** The most tokens in one step. */
    public int rows() {
        return plan.limits().rows();
    }

    /** The device memory that the weights take. */
    public long weightBytes() {
        return weights().mapToLong(Weights::bytes).sum();
    }

    /** Bytes of the KV cache per token, in all layers, and on all devices that keep the same. */
    public long kvTokenBytes() {
        return work().stream().mapToLong(DeviceWork::kvBytes).sum();
    }

    /** Bytes of weights that one decoded token reads: all matrices, and of the experts those that it uses. */
    public long bytesPerToken() {
        return perToken(Weight::bytes);
    }

    /** Products of a weight and an activation that one token of a prompt takes, without those of the output matrix. */
    public long multiplyAddsPerToken() {
        Stage end = stages.stream()
                .filter(stage -> stage.layers().endsModel())
                .findFirst()
                .orElseThrow();
        Weight output = end.weights().matrix(TensorRole.OUTPUT, 0);
        return perToken(weight -> weight.shape().values()) - output.shape().values();
    }

    /** What each device has to do for a token. */
    public List<DeviceWork> work() {
        return Stream.concat(
                        stages.stream().map(Stage::work),
                        Stream.ofNullable(routed).map(RoutedExperts::work))
                .toList();
    }

    /**
     * What the devices do while something runs: by their own clocks, which are started and stopped for that.
     *
     * @param work feeds sequences and waits for what comes out; nothing else runs meanwhile
     */
    public List<DeviceActivity> activities(Runnable work) {
        if (routed == null) {
            return stageActivities(work);
        }
        List<DeviceActivity> all = new ArrayList<>();
        DeviceActivity last = routed.activity(() -> all.addAll(stageActivities(work)));
        all.add(last);
        return all;
    }

    private List<DeviceActivity> stageActivities(Runnable work) {
        try (PassMeter meter = new PassMeter(stages)) {
            forward.meter(meter);
            try {
                work.run();
            } finally {
                forward.meter(null);
            }
            return meter.activities(forward::secondsAlone);
        }
    }

    private long perToken(ToLongFunction<Weight> measure) {
        ModelConfig config = plan.config();
        return Math.round(
                weights().mapToDouble(all -> all.perToken(config, measure)).sum());
    }

    private Stream<Weights> weights() {
        return Stream.concat(
                stages.stream().map(Stage::weights), Stream.ofNullable(routed).map(RoutedExperts::weights));
    }

    /**
     * Runs a step and times each of its operations alone, while nothing else runs.
     *
     * @param context tokens that the cache holds before
     * @param tokens those of the step, at most {@link #rows}
     * @param repetitions how often each operation is timed
     */
    public List<OperationTime> operationTimes(int[] context, int[] tokens, int repetitions) {
        if (tokens.length < 1 || tokens.length > rows()) {
            throw new IllegalArgumentException(
                    "a step takes 1 to " + rows() + " tokens, not " + tokens.length + "; measure fewer");
        }
        return new OperationClock(stages, routed, planner.batch(), context.length, repetitions)
                .run(scheduler, context, tokens);
    }

    /** Ends all sequences and frees everything that the engine allocated. Closing again does nothing. */
    @Override
    public void close() {
        resources.close();
    }
}
