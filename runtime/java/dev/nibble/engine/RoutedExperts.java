package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.HostCopy;
import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Queue;
import dev.nibble.device.Resources;
import dev.nibble.device.RowCount;
import dev.nibble.device.Step;
import dev.nibble.device.Weight;
import dev.nibble.model.ExpertConfig;
import dev.nibble.model.LayerRange;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.model.TensorRole;
import dev.nibble.model.Weights;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongConsumer;

/**
 * The routed experts of some layers on a device of their own, the CPU: most of a model's bytes, of which a token needs few. Everything else of
 * these layers is elsewhere: from there come, through the host, the normalised rows and which experts each of them chose, and what the
 * experts give together goes back. n is the number of rows.
 */
final class RoutedExperts implements AutoCloseable {
    private static final double NANOS = 1e9;

    private final Resources resources = new Resources();
    private final Device device;
    private final EnginePlan plan;
    private final ExpertConfig experts;
    private final Weights weights;

    /** I32 (1, 1): live rows. */
    private final Buffer rowCount;
    /** (n, width): the normalised rows. */
    private final Buffer hidden;
    /** Q8 (n, width). */
    private final Buffer hiddenQuantized;
    /** I32 (n, experts used). */
    private final Buffer ids;
    /** (n, experts used). */
    private final Buffer shares;
    /** (n, experts used × feedForward). */
    private final Buffer gate;
    /** (n, experts used × feedForward). */
    private final Buffer up;
    /** Q8 (n, experts used × feedForward). */
    private final Buffer gateQuantized;
    /** (n, experts used × width). */
    private final Buffer delta;
    /** (n, width): what the experts give together. */
    private final Buffer sum;

    /** On their way through the host, (n, width) there and back, (n, experts used) twice. */
    private final float[] hostRows;

    private final int[] hostIds;
    private final float[] hostShares;

    /** Nanoseconds of computing, of copies, and of copies with the waiting for the other device; and bytes copied. */
    private long computing;

    private long copying;
    private long exchanging;
    private long copied;
    private final Map<Shape, Step> steps = new HashMap<>();

    /** A prepared step: of a layer, for at most so many rows. */
    private record Shape(int layer, int rows) {}

    /** @param progress told the file bytes loaded so far, after each tensor */
    RoutedExperts(Device device, EnginePlan plan, ModelSource source, LongConsumer progress) {
        this.device = device;
        this.plan = plan;
        this.experts = Objects.requireNonNull(plan.config().experts());
        int n = plan.limits().rows();
        int width = plan.config().width();
        int inner = experts.used() * experts.feedForward();
        try {
            List<Weights.Tensor> tensors =
                    Weights.tensors(source).stream().filter(plan::isForCpu).toList();
            weights = resources.own(Weights.load(device, source, tensors, progress));
            rowCount = allocate(ElementType.I32, 1, 1);
            hidden = allocate(ElementType.F32, n, width);
            hiddenQuantized = allocate(ElementType.Q8, n, width);
            ids = allocate(ElementType.I32, n, experts.used());
            shares = allocate(ElementType.F32, n, experts.used());
            gate = allocate(ElementType.F32, n, inner);
            up = allocate(ElementType.F32, n, inner);
            gateQuantized = allocate(ElementType.Q8, n, inner);
            delta = allocate(ElementType.F32, n, experts.used() * width);
            sum = allocate(ElementType.F32, n, width);
        } catch (RuntimeException | Error e) {
            resources.closeAfter(e);
            throw e;
        }
        hostRows = new float[n * width];
        hostIds = new int[n * experts.used()];
        hostShares = new float[n * experts.used()];
    }

    /** The memory that their buffers take, within a few percent. */
    static long estimateBytes(ModelConfig config, int rows) {
        ExpertConfig experts = Objects.requireNonNull(config.experts());
        long inner = (long) experts.used() * experts.feedForward();
        long floats = (2L + experts.used()) * config.width() + 2L * experts.used() + 2 * inner;
        return rows * (floats * Float.BYTES + (config.width() + inner) * 5 / 4);
    }

    private Buffer allocate(ElementType type, int rows, int width) {
        return resources.own(device.allocate(type, rows, width));
    }

    Weights weights() {
        return weights;
    }

    /** What they have to do for a token. */
    DeviceWork work() {
        return new DeviceWork(
                device.name(),
                Math.round(weights.perToken(plan.config(), Weight::bytes)),
                0,
                Math.round(
                        weights.perToken(plan.config(), weight -> weight.shape().values())));
    }

    /**
     * Waits for all that a device has been given to do and takes its normalised rows and their experts over.
     *
     * @param buffers of the device
     */
    void take(Queue from, StepBuffers buffers, int rows) {
        if (rows == 0) {
            return;
        }
        long begin = System.nanoTime();
        ExpertBuffers chosen = Objects.requireNonNull(buffers.experts);
        from.read(List.of(
                new HostCopy(buffers.hidden, 0, words(hostRows, rows)),
                new HostCopy(chosen.ids, 0, words(hostIds, rows)),
                new HostCopy(chosen.weights, 0, words(hostShares, rows))));
        long arrived = System.nanoTime();
        device.queue()
                .write(List.of(
                        new HostCopy(rowCount, 0, MemorySegment.ofArray(new int[] {rows})),
                        new HostCopy(hidden, 0, words(hostRows, rows)),
                        new HostCopy(ids, 0, words(hostIds, rows)),
                        new HostCopy(shares, 0, words(hostShares, rows))));
        long end = System.nanoTime();
        exchanging += end - begin;
        copying += end - arrived;
        copied += (long) rows * (hidden.width() + ids.width() + shares.width()) * Float.BYTES;
    }

    /**
     * Computes the experts of a layer on the rows that were taken over last, and enqueues the way back of what they give: beside shared
     * experts, or else as all that the layer half adds.
     */
    void give(int layer, Queue to, StepBuffers buffers, int rows) {
        if (rows == 0) {
            return;
        }
        long begin = System.nanoTime();
        int limit = Stage.bucket(rows, plan.limits().rows());
        device.queue()
                .submit(steps.computeIfAbsent(
                        new Shape(layer, limit), shape -> resources.own(device.prepare(operations(layer, limit)))));
        device.queue().read(sum, 0, words(hostRows, rows));
        long done = System.nanoTime();
        Buffer target = experts.shared() > 0 ? Objects.requireNonNull(buffers.experts).routed : buffers.delta;
        to.write(target, 0, words(hostRows, rows));
        long end = System.nanoTime();
        computing += done - begin;
        copying += end - done;
        exchanging += end - done;
        copied += (long) rows * sum.width() * Float.BYTES;
    }

    /** Does something that uses them, and tells what they did meanwhile. */
    DeviceActivity activity(Runnable work) {
        long computed = computing;
        long copies = copying;
        long exchanges = exchanging;
        long bytes = copied;
        work.run();
        return new DeviceActivity(
                device.name(),
                (computing - computed) / NANOS,
                (exchanging - exchanges) / NANOS,
                copied - bytes,
                (copying - copies) / NANOS,
                0);
    }

    private MemorySegment words(float[] values, int rows) {
        return MemorySegment.ofArray(values)
                .asSlice(0, (long) values.length / plan.limits().rows() * rows * Float.BYTES);
    }

    private MemorySegment words(int[] values, int rows) {
        return MemorySegment.ofArray(values)
                .asSlice(0, (long) values.length / plan.limits().rows() * rows * Integer.BYTES);
    }

    private List<Operation> operations(int layer, int limit) {
        RowCount rows = new RowCount(rowCount, limit);
        List<Operation> operations = new ArrayList<>();
        List<Product> inner =
                List.of(product(TensorRole.EXPERT_GATE, layer, gate), product(TensorRole.EXPERT_UP, layer, up));
        multiply(operations, rows, hidden, hiddenQuantized, inner);
        operations.add(new Operation.Gate(rows, plan.config().architecture().activation(), gate, up, gate));
        multiply(operations, rows, gate, gateQuantized, List.of(product(TensorRole.EXPERT_DOWN, layer, delta)));
        operations.add(new Operation.Combine(rows, delta, shares, sum));
        return operations;
    }

    private void multiply(
            List<Operation> operations, RowCount rows, Buffer x, Buffer quantized, List<Product> products) {
        boolean integers = StepRecorder.needsQuantized(products);
        if (integers) {
            operations.add(new Operation.Quantize(rows, x, quantized));
        }
        operations.add(new Operation.ExpertMatmul(rows, ids, x, integers ? quantized : null, products));
    }

    private Product product(TensorRole role, int layer, Buffer out) {
        return new Product(weights.matrix(role, layer), null, out);
    }

    /** Times the operations of all layers on rows that ran last, as many as a batch has. */
    List<OperationTime> operationTimes(Batch batch, int repetitions) {
        int rows = batch.rows();
        int limit = Stage.bucket(rows, plan.limits().rows());
        device.queue().write(rowCount, 0, MemorySegment.ofArray(new int[] {rows}));
        List<Operation> all = plan.cpuExpertLayers(LayerRange.all(plan.config().layers())).stream()
                .flatMap(layer -> operations(layer, limit).stream())
                .toList();
        try (OperationTimes times = new OperationTimes(device, all, rowCount)) {
            return times.measure(operation -> rows, 0, repetitions);
        }
    }

    @Override
    public void close() {
        resources.close();
    }
}
