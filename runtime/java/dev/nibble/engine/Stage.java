package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.Exchange;
import dev.nibble.device.HostCopy;
import dev.nibble.device.Operation;
import dev.nibble.device.Queue;
import dev.nibble.device.Resources;
import dev.nibble.device.Step;
import dev.nibble.device.Weight;
import dev.nibble.model.LayerRange;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.model.TensorRole;
import dev.nibble.model.Weights;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The part of the forward pass that a device has: some of the layers, or a part of each of them, with their weights, their KV cache and the buffers between
 * operations. A step is prepared once for each batch shape, rounded up to powers of two, and then run again and again with new
 * contents in the same buffers.
 */
final class Stage implements AutoCloseable {
    /** Of the first two runs of a step, a device may make one the preparation of those that follow. */
    private static final int EMPTY_RUNS = 2;

    private final Resources resources = new Resources();
    private final Device device;
    private final LayerRange layers;
    private final EnginePlan plan;
    private final Weights weights;
    private final LayerCache cache;
    private final StepBuffers buffers;
    private final Map<Shape, List<Optional<Step>>> steps = new HashMap<>();
    private final Map<Sums, Step> sums = new HashMap<>();
    private @Nullable Exchange exchange;

    /** @param progress told the file bytes loaded so far, after each tensor */
    Stage(Device device, LayerRange layers, EnginePlan plan, ModelSource source, LongConsumer progress) {
        this.device = device;
        this.layers = layers;
        this.plan = plan;
        try {
            List<Weights.Tensor> tensors = Weights.tensors(source).stream()
                    .filter(tensor -> plan.needs(layers, tensor))
                    .toList();
            weights = resources.own(Weights.load(device, source, tensors, progress));
            cache = resources.own(new LayerCache(device, layers, plan));
            buffers = resources.own(new StepBuffers(device, plan, layers));
        } catch (RuntimeException | Error e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    /**
     * Rows and outputs that a prepared step can take.
     *
     * @param ranked whether the largest logits are ranked
     * @param advances whether the rows become those of the next step at the end
     * @param tiles of tokens whose keys and values are made of latent vectors; 0: none are made
     */
    private record Shape(int rows, int outputs, boolean ranked, boolean advances, int tiles) {}

    /** Turns of an exchange and nothing else. */
    private record Sums(int rows, int turns) {}

    /** From now on this part adds up with the others in an exchange. */
    void meet(Exchange place) {
        exchange = place;
    }

    /** Whether it does, without {@link #receivePart}. */
    boolean meets() {
        return exchange != null;
    }

    ModelConfig config() {
        return plan.config();
    }

    /** What this part has to do for a token. */
    DeviceWork work() {
        double values = weights.perToken(plan.config(), weight -> weight.shape().values());
        long output = layers.endsModel()
                ? weights.matrix(TensorRole.OUTPUT, 0).shape().values()
                : 0;
        return new DeviceWork(
                device.name(),
                Math.round(weights.perToken(plan.config(), Weight::bytes)),
                (long) layers.count() * plan.kvLayout().tokenBytes(),
                Math.round(values) - output);
    }

    /** The name of its device. */
    String device() {
        return device.name();
    }

    LayerRange layers() {
        return layers;
    }

    Weights weights() {
        return weights;
    }

    LayerCache cache() {
        return cache;
    }

    StepBuffers buffers() {
        return buffers;
    }

    Queue queue() {
        return device.queue();
    }

    /**
     * Whether its steps may begin before the results of those before are known: not where devices have parts of the same layers, nor where
     * a step waits for routed experts.
     */
    boolean runsAhead() {
        return plan.parts() == 1 && !plan.hasCpuExperts() && queue().runsAhead();
    }

    /** Enqueues the taking over of the tokens that the stage with the last layers found best. */
    void receiveBest(Stage last, int rows) {
        queue().receive(buffers.ids, last.queue(), last.buffers.best, rows);
    }

    /** The layers whose routed experts are on another device. */
    List<Integer> cpuExpertLayers() {
        return plan.cpuExpertLayers(layers);
    }

    /**
     * Enqueues what its layers do to a batch, which is to be in the buffers before: see {@link #receive}. Of devices that have parts of
     * the same layers, or whose routed experts are elsewhere, one segment of that, after which they exchange.
     */
    void run(Batch batch, int segment) {
        segments(batch).get(segment).ifPresent(queue()::submit);
    }

    /** How many segments there are. */
    int segmentCount(Batch batch) {
        return segments(batch).size();
    }

    /**
     * Prepares what {@link #run} is to enqueue. The first time it is enqueued here without rows, so that nothing is left to load or to
     * capture, which might have to wait for other devices while those wait for this one.
     */
    void prepareToMeet(Batch batch) {
        if (steps.containsKey(shape(batch))) {
            return;
        }
        runWithoutRows(() -> run(batch, 0));
    }

    private void runWithoutRows(Runnable run) {
        int[] none = {0};
        queue().write(List.of(copy(buffers.rowCount, none, 1), copy(buffers.outputCount, none, 1)));
        for (int i = 0; i < EMPTY_RUNS; i++) {
            run.run();
        }
        queue().read(buffers.rowCount, 0, MemorySegment.ofArray(none));
    }

    /** Prepares {@link #sums} as {@link #prepareToMeet} does a step. */
    void prepareSums(int rows, int turns) {
        Sums shape = new Sums(bucket(rows, plan.limits().rows()), turns);
        if (!sums.containsKey(shape)) {
            List<Operation> operations = new StepRecorder(this, shape.rows(), 1, false, false, 0, exchange).sums(turns);
            Step step = resources.own(device.prepare(operations));
            runWithoutRows(() -> queue().submit(step));
            sums.put(shape, step);
        }
    }

    /** Enqueues nothing but turns of an exchange, of so many rows, of whatever is in the buffers. */
    void sums(int rows, int turns) {
        queue().write(List.of(copy(buffers.rowCount, new int[] {rows}, 1)));
        queue().submit(sums.get(new Sums(bucket(rows, plan.limits().rows()), turns)));
    }

    private List<Optional<Step>> segments(Batch batch) {
        return steps.computeIfAbsent(
                shape(batch),
                shape -> record(shape, exchange).stream().map(this::prepare).toList());
    }

    private Optional<Step> prepare(List<Operation> operations) {
        return operations.isEmpty() ? Optional.empty() : Optional.of(resources.own(device.prepare(operations)));
    }

    private Shape shape(Batch batch) {
        int outputs = layers.hasLast() ? Math.max(1, batch.outputCount()) : 1;
        return new Shape(
                bucket(batch.rows(), plan.limits().rows()),
                bucket(outputs, plan.limits().outputs()),
                layers.endsModel() && batch.isRanked(),
                runsAhead() && batch.givesBest(),
                tiles(batch));
    }

    /** Tiles that a step for a batch is prepared for. */
    private int tiles(Batch batch) {
        TilePlan tiles = buffers.tiles == null ? null : buffers.tiles.plan();
        return tiles != null && tiles.serves(batch)
                ? TilePlan.bucket(tiles.tiles(batch).size())
                : 0;
    }

    /** Enqueues the writing of a batch to the device. */
    void write(Batch batch) {
        List<HostCopy> copies = new ArrayList<>();
        copies.add(copy(buffers.rowCount, new int[] {batch.rows()}, 1));
        copies.add(copy(buffers.positions, batch.positions(), batch.rows()));
        copies.add(copy(buffers.slots, batch.slots(), batch.rows()));
        if (layers.beginsModel()) {
            copies.add(copy(buffers.ids, batch.ids(), batch.rows()));
        }
        if (layers.hasLast()) {
            copies.add(copy(buffers.outputCount, new int[] {batch.outputCount()}, 1));
            if (batch.outputCount() > 0) {
                copies.add(copy(buffers.outputs, batch.outputs(), batch.outputCount()));
            }
        }
        if (buffers.tiles != null) {
            copies.addAll(buffers.tiles.copies(batch, tiles(batch)));
        }
        queue().write(copies);
    }

    private static HostCopy copy(Buffer target, int[] values, int count) {
        return new HostCopy(target, 0, MemorySegment.ofArray(values).asSlice(0, (long) count * Integer.BYTES));
    }

    /** Enqueues the taking over of so many rows of the residual stream from the stage with the layers before. */
    void receive(Stage before, int rows) {
        queue().receive(buffers.residual, before.queue(), before.buffers.residual, rows);
    }

    /** Enqueues the taking over of so many rows of what another device adds that has another part of the same layers. */
    void receivePart(Stage other, int rows) {
        queue().receive(buffers.deltas.get(other.plan.part()), other.queue(), other.buffers.delta, rows);
    }

    /** Times the operations of the batch that ran last, without other devices, a sequence after {@code depth} tokens in the cache. */
    List<OperationTime> operationTimes(Batch batch, int depth, int repetitions) {
        Shape shape = shape(batch);
        // The step is repeated on the same rows.
        Shape still = new Shape(shape.rows(), shape.outputs(), shape.ranked(), false, shape.tiles());
        List<Operation> operations =
                record(still, null).stream().flatMap(List::stream).toList();
        try (OperationTimes times = new OperationTimes(device, operations, buffers.rowCount)) {
            return times.measure(operation -> live(operation.rows().live(), batch), depth, repetitions);
        }
    }

    private int live(Buffer count, Batch batch) {
        if (count == buffers.rowCount) {
            return batch.rows();
        }
        return count == buffers.outputCount || buffers.tiles == null ? batch.outputCount() : buffers.tiles.live(count);
    }

    @Override
    public void close() {
        resources.close();
    }

    private List<List<Operation>> record(Shape shape, @Nullable Exchange place) {
        return new StepRecorder(
                        this, shape.rows(), shape.outputs(), shape.ranked(), shape.advances(), shape.tiles(), place)
                .record();
    }

    /** All limits that steps are prepared for, where there can be so many rows. */
    static Set<Integer> buckets(int limit) {
        Set<Integer> buckets = new HashSet<>();
        for (int count = 1; count < limit; count *= 2) {
            buckets.add(bucket(count, limit));
        }
        buckets.add(limit);
        return buckets;
    }

    static int bucket(int count, int limit) {
        return Math.min(limit, Integer.highestOneBit(Math.max(1, 2 * count - 1)));
    }
}
