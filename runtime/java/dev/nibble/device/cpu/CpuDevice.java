package dev.nibble.device.cpu;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Arithmetic;
import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.ElementType;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.Operation;
import dev.nibble.device.Queue;
import dev.nibble.device.Roofline;
import dev.nibble.device.Step;
import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.quant.BlockFormat;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/** The processor that this program runs on: all its cores, with vectors as wide as it prefers. */
final class CpuDevice implements Device {
    private final Optional<NativeKernels> kernels = NativeKernels.chosen();
    private final boolean fixedPoint;
    private final WorkerPool pool;
    private final DeviceMemory memory = new DeviceMemory(kernels.isEmpty());
    private final WeightMemory weights = new WeightMemory(memory);
    private final HugePages pages = new HugePages(weights);
    private final CpuQueue queue = new CpuQueue(this);
    private final Map<AttentionWorkspace.Shape, AttentionWorkspace> workspaces = new HashMap<>();

    /** By parts and columns: what steps, of which one runs at a time, quantize the inputs of weights of floats to. */
    private final Map<List<Integer>, FixedPointRows> fixedPointRows = new HashMap<>();

    /** Held while a step runs, so that closing waits for it. */
    private final ReentrantLock running = new ReentrantLock();

    private volatile boolean closed;

    CpuDevice(DeviceOptions options) {
        this.fixedPoint = options.arithmetic() == Arithmetic.FIXED_POINT;
        this.pool = new WorkerPool(options.effectiveThreads());
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String description() {
        String threads = pool.threads() == 1 ? "1 thread" : pool.threads() + " threads";
        if (fixedPoint) {
            return Processor.name() + ", fixed-point layers, " + Lanes.BITS + "-bit vectors, " + threads;
        }
        String missing = NativeKernels.missing();
        String vectors =
                Lanes.BITS + "-bit vectors" + (missing.isEmpty() ? "" : " (no native kernels: " + missing + ")");
        return Processor.name() + ", " + (kernels.isPresent() ? "native kernels, " : "") + vectors + ", " + threads;
    }

    @Override
    public int threads() {
        return pool.threads();
    }

    /** The native kernels; empty: those of the Vector API do everything. */
    Optional<NativeKernels> kernels() {
        return kernels;
    }

    /** Whether layers are computed in {@link Arithmetic#FIXED_POINT}. */
    boolean isFixedPoint() {
        return fixedPoint;
    }

    WorkerPool pool() {
        return pool;
    }

    @Override
    public long freeMemory() {
        return Processor.availableMemory();
    }

    @Override
    public long weightBytes(WeightShape shape, WeightUse use) {
        return weightBytes(shape, use, fixedPoint);
    }

    /** The memory that a weight takes; a table stays in the file. */
    static long weightBytes(WeightShape shape, WeightUse use, boolean fixedPoint) {
        checkType(shape);
        return switch (use) {
            case TABLE -> 0;
            case MATRIX -> fixedPoint ? FixedPointWeight.bytes(shape) : PackedMatrix.packedBytes(shape);
        };
    }

    @Override
    public Weight load(WeightSource source, WeightUse use) {
        checkOpen();
        weightBytes(source.shape(), use);
        return switch (use) {
            case TABLE -> new TableWeight(source);
            case MATRIX ->
                fixedPoint ? FixedPointWeight.load(source, pool, weights) : MatrixWeight.load(source, pool, weights);
        };
    }

    private static void checkType(WeightShape shape) {
        if (!PackedMatrix.supports(shape.type())) {
            throw new UnsupportedFeatureException("tensor " + shape.name() + " of type " + shape.type()
                    + ": device cpu cannot read this type; convert the model to one of "
                    + List.of(BlockFormat.values()));
        }
    }

    @Override
    public Buffer allocate(ElementType type, int rows, int width) {
        checkOpen();
        if (rows < 1 || width < 1 || type == ElementType.Q8 && width % 32 != 0) {
            throw new IllegalArgumentException("there is no buffer of " + type + " (" + rows + ", " + width + ")");
        }
        return switch (type) {
            case F32, I32 -> new CpuBuffer(type, rows, width, memory);
            case Q8 -> quantizedBuffer(rows, width);
        };
    }

    private Buffer quantizedBuffer(int rows, int width) {
        if (!fixedPoint) {
            return new QuantizedBuffer(new QuantizedActivations(kernels, rows, width));
        }
        FixedPointRows content = new FixedPointRows(1, width);
        content.reserve(rows);
        return new QuantizedBuffer(content);
    }

    @Override
    public KvPages allocateKv(KvLayout layout, int pages) {
        checkOpen();
        if (pages < 1) {
            throw new IllegalArgumentException("there is no KV cache of " + pages + " pages");
        }
        return new CpuKvPages(layout, pages, memory);
    }

    @Override
    public Step prepare(List<Operation> operations) {
        checkOpen();
        for (Operation operation : operations) {
            for (AutoCloseable part : operation.parts()) {
                if (!owns(part)) {
                    throw new IllegalArgumentException("a " + part.getClass().getSimpleName() + " of another device was"
                            + " given to device cpu, in " + operation.getClass().getSimpleName());
                }
            }
        }
        return new CpuStep(this, new StepPlanner(this).plan(operations));
    }

    /** Whether a buffer, weight or cache can be used here. Weights and caches may be another CPU device's: they are only memory. */
    boolean owns(AutoCloseable part) {
        return switch (part) {
            case CpuBuffer buffer -> buffer.owner() == memory;
            case QuantizedBuffer buffer -> buffer.content() instanceof FixedPointRows == fixedPoint;
            case TableWeight weight -> true;
            case MatrixWeight weight -> !fixedPoint;
            case FixedPointWeight weight -> fixedPoint;
            case CpuKvPages cache -> true;
            default -> false;
        };
    }

    /** The scratch memory of all attentions of a shape. */
    synchronized AttentionWorkspace attentionWorkspace(AttentionWorkspace.Shape shape) {
        return workspaces.computeIfAbsent(
                shape, key -> new AttentionWorkspace(key, kernels.orElse(null), pool.threads(), memory));
    }

    /** The rows of {@code parts × columns} values that inputs of weights of floats are quantized to. */
    synchronized FixedPointRows fixedPointRows(int parts, int columns) {
        return fixedPointRows.computeIfAbsent(List.of(parts, columns), key -> new FixedPointRows(parts, columns));
    }

    @Override
    public Queue queue() {
        return queue;
    }

    @Override
    public Optional<Device> stage() {
        if (kernels.isPresent() && !fixedPoint) {
            return Optional.empty();
        }
        Arithmetic arithmetic = fixedPoint ? Arithmetic.FIXED_POINT : Arithmetic.BLOCK_INT8;
        return Optional.of(new CpuDevice(new DeviceOptions(1, arithmetic)));
    }

    @Override
    public void warmUp() {
        checkOpen();
        pages.finish();
    }

    @Override
    public Optional<Roofline> openRoofline() {
        checkOpen();
        return Optional.of(new CpuRoofline(this));
    }

    void run(CpuStep step) {
        running.lock();
        try {
            checkOpen();
            step.run();
            if (kernels.isPresent()) {
                pages.deviceWorks();
            }
        } finally {
            running.unlock();
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("device cpu is closed");
        }
    }

    @Override
    public void close() {
        running.lock();
        try {
            if (!closed) {
                closed = true;
                pages.close();
                pool.close();
                memory.close();
            }
        } finally {
            running.unlock();
        }
    }
}
