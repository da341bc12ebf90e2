package dev.nibble.device.opencl;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.Operation;
import dev.nibble.device.Queue;
import dev.nibble.device.Step;
import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.foreign.OpenCl;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/** A processor with an OpenCL driver. */
public final class OpenClDevice implements Device {
    private static final Cleaner CLEANER = Cleaner.create();
    private static final long LEAST_SCRATCH = 1 << 16;

    private final String name;
    private final OpenCl calls;
    private final DeviceTraits traits;
    private final long context;
    private final OpenClMemory memory;
    private final OpenClPrograms programs;
    private final OpenClQueue queue;
    private final Set<StepKernels> kernels = new HashSet<>();

    /** By size: commands run in order, so that all steps can share it. */
    private final Map<Long, OpenClAllocation> scratch = new ConcurrentHashMap<>();

    /** Held while the queue is used and while memory is freed, so that no command is enqueued with memory that is gone. */
    private final ReentrantLock lock = new ReentrantLock();

    private volatile boolean closed;

    private OpenClDevice(String name, OpenCl calls, DeviceTraits traits, long context) {
        this.name = name;
        this.calls = calls;
        this.traits = traits;
        this.context = context;
        this.memory = new OpenClMemory(this, traits.memory());
        this.programs = new OpenClPrograms(calls, traits, context);
        this.queue = new OpenClQueue(this, calls, calls.createQueue(context, traits.id(), 0));
    }

    /** Opens one of the devices that were found. */
    static OpenClDevice open(OpenClPlatforms platforms, int index) {
        OpenCl calls = Objects.requireNonNull(platforms.calls());
        DeviceTraits traits = platforms.devices().get(index);
        long context = OpenClContext.acquire(calls, traits, platforms.devices());
        try {
            return new OpenClDevice("opencl:" + index, calls, traits, context);
        } catch (RuntimeException e) {
            OpenClContext.release(calls, context);
            throw e;
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        return traits.describe();
    }

    @Override
    public int threads() {
        return 0;
    }

    @Override
    public long freeMemory() {
        return memory.free();
    }

    OpenCl calls() {
        return calls;
    }

    DeviceTraits traits() {
        return traits;
    }

    OpenClMemory memory() {
        return memory;
    }

    OpenClPrograms programs() {
        return programs;
    }

    /** Makes a buffer of OpenCL, outside of the device's accounts. */
    long createBuffer(long bytes) {
        checkOpen();
        return calls.createBuffer(context, OpenClMemory.flags(), Math.max(1, bytes));
    }

    @Override
    public long weightBytes(WeightShape shape, WeightUse use) {
        throw new UnsupportedFeatureException(
                "tensor " + shape.name() + " of type " + shape.type() + ": device " + name + " loads no weights yet");
    }

    @Override
    public Weight load(WeightSource source, WeightUse use) {
        checkOpen();
        throw new UnsupportedFeatureException("device " + name + " loads no weights yet");
    }

    @Override
    public Buffer allocate(ElementType type, int rows, int width) {
        checkOpen();
        if (rows < 1 || width < 1 || type == ElementType.Q8 && width % OpenClBuffer.BLOCK != 0) {
            throw new IllegalArgumentException("there is no buffer of " + type + " (" + rows + ", " + width + ")");
        }
        return new OpenClBuffer(type, rows, width, memory);
    }

    @Override
    public KvPages allocateKv(KvLayout layout, int pages) {
        checkOpen();
        if (pages < 1) {
            throw new IllegalArgumentException("there is no KV cache of " + pages + " pages");
        }
        return new OpenClKvPages(layout, pages, memory);
    }

    @Override
    public Step prepare(List<Operation> operations) {
        checkOpen();
        List<OpenClAllocation> allocations = new ArrayList<>();
        for (Operation operation : operations) {
            for (AutoCloseable part : operation.parts()) {
                if (!(part instanceof OpenClPart own) || !owns(own)) {
                    throw new IllegalArgumentException("a " + part.getClass().getSimpleName() + " of another device was"
                            + " given to device " + name + ", in "
                            + operation.getClass().getSimpleName());
                }
                allocations.addAll(own.allocations());
            }
        }
        LaunchPlanner planner = new LaunchPlanner(this);
        StepKernels owned = new StepKernels(this, planner.plan(operations));
        OpenClStep step = new OpenClStep(
                this, planner.launches(), allocations.stream().distinct().toList());
        exclusively(() -> kernels.add(owned));
        CLEANER.register(step, owned);
        return step;
    }

    /** Memory for what launches of one operation leave for each other, at least so many bytes; freed with the device. */
    OpenClAllocation scratch(long bytes) {
        long room = Math.max(Long.highestOneBit(bytes - 1) << 1, LEAST_SCRATCH);
        return scratch.computeIfAbsent(room, size -> memory.allocate(size, "scratch memory"));
    }

    /** Whether this device made a buffer, weight or cache. */
    boolean owns(OpenClPart part) {
        return part.allocations().getFirst().memory() == memory;
    }

    /** The kernels of a step were released. */
    void forget(StepKernels released) {
        kernels.remove(released);
    }

    @Override
    public Queue queue() {
        return queue;
    }

    /** Does something while no other thread uses the queue or closes the device. */
    void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    /** As {@link #locked}, if the device is open. */
    void exclusively(Runnable action) {
        locked(() -> {
            checkOpen();
            action.run();
        });
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("device " + name + " is closed");
        }
    }

    @Override
    public void close() {
        locked(() -> {
            if (!closed) {
                queue.finish();
                closed = true;
                List.copyOf(kernels).forEach(StepKernels::run);
                memory.close();
                programs.close();
                queue.close();
                calls.releaseQueue(queue.handle());
                OpenClContext.release(calls, context);
            }
        });
    }
}
