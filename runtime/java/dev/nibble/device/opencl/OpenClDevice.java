package dev.nibble.device.opencl;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceException;
import dev.nibble.device.ElementType;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvPages;
import dev.nibble.device.Operation;
import dev.nibble.device.Roofline;
import dev.nibble.device.Step;
import dev.nibble.device.StepForm;
import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.KernelBuffer;
import dev.nibble.device.kernel.Memory;
import dev.nibble.device.kernel.StepWorkspace;
import dev.nibble.foreign.OpenCl;
import dev.nibble.foreign.OpenClException;
import dev.nibble.foreign.OpenClInfo;
import java.lang.ref.Cleaner;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

/** A processor with an OpenCL driver. */
public final class OpenClDevice implements Device {
    private static final System.Logger LOG = System.getLogger(OpenClDevice.class.getName());
    private static final Cleaner CLEANER = Cleaner.create();

    private final String name;
    private final OpenCl calls;
    private final DeviceTraits traits;
    private final OpenClHandles handles;
    private final Memory memory;
    private final OpenClPrograms programs;
    private final OpenClQueue queue;
    private final WeightStaging staging;
    private final StepWorkspace workspace;
    private final Set<StepKernels> kernels = new HashSet<>();

    /** Held while the queue is used and while memory is freed, so that no command is enqueued with memory that is gone. */
    private final ReentrantLock lock = new ReentrantLock();

    private volatile boolean closed;

    private OpenClDevice(String name, OpenCl calls, DeviceTraits traits, OpenClHandles handles, long capacity) {
        this.name = name;
        this.calls = calls;
        this.traits = traits;
        this.handles = handles;
        this.memory = new Memory(new OpenClMemory(this), capacity);
        this.workspace = new StepWorkspace(memory);
        this.programs = new OpenClPrograms(calls, traits, handles.context(), ProgramCache.of(traits));
        this.staging = new WeightStaging(this, calls, handles.queue());
        this.queue = new OpenClQueue(this, calls, handles.queue());
    }

    /** Makes a device; if that fails, it lets go of what the device would run on. */
    private static OpenClDevice of(
            String name, OpenCl calls, DeviceTraits traits, OpenClHandles handles, long capacity) {
        OpenClDevice device;
        try {
            device = new OpenClDevice(name, calls, traits, handles, capacity);
        } catch (RuntimeException | Error e) {
            calls.releaseQueue(handles.queue());
            handles.releaseContext().accept(handles.context());
            throw e;
        }
        try {
            device.programs.use(new FeatureTest(device, "features").working(traits.features()));
            return device;
        } catch (RuntimeException | Error e) {
            device.close();
            throw e;
        }
    }

    /** Opens one of the devices that were found. */
    static OpenClDevice open(OpenClPlatforms platforms, int index) {
        OpenCl calls = Objects.requireNonNull(platforms.calls());
        DeviceTraits traits = platforms.devices().get(index);
        long memory = Math.min(traits.memory(), Long.getLong(OpenClProperties.MEMORY, Long.MAX_VALUE));
        try {
            OpenClHandles handles = OpenClHandles.make(calls, traits, platforms.devices());
            return of("opencl:" + index, calls, traits, handles, memory);
        } catch (OpenClException e) {
            throw new DeviceException("device opencl:" + index + ": " + e.getMessage());
        }
    }

    /**
     * Borrows a device from an application that has made an OpenCL context and a queue: whatever library it uses, these are its raw
     * handles. They are retained, and released when this device is closed, never destroyed. What a model enqueues goes to the
     * application's queue, in order with what the application enqueues there.
     *
     * @param context a {@code cl_context}
     * @param device a {@code cl_device_id} of the context
     * @param queue a {@code cl_command_queue} of both that runs its commands in order
     * @throws IllegalArgumentException if these do not belong together
     * @throws UnsupportedFeatureException if there is no OpenCL library on this system
     */
    public static OpenClDevice attach(long context, long device, long queue) {
        OpenClPlatforms platforms = OpenClPlatforms.system();
        OpenCl calls = platforms.calls();
        if (calls == null) {
            throw new UnsupportedFeatureException("device opencl: " + platforms.missing());
        }
        DeviceTraits traits = DeviceTraits.of(calls, device);
        OpenClHandles handles = OpenClHandles.borrow(calls, context, device, queue);
        return of("opencl", calls, traits, handles, traits.memory());
    }

    /**
     * Borrows a buffer of the application, of the context of this device, as a matrix. It is retained, and released when it is closed,
     * never destroyed.
     *
     * @param buffer a {@code cl_mem} of at least 4 × rows × width bytes
     * @param type F32 or I32
     * @throws IllegalArgumentException if the buffer is of another context, or too small
     */
    public Buffer attach(long buffer, ElementType type, int rows, int width) {
        KernelBuffer.checkShape(type, rows, width);
        return supply(() -> {
            long size = calls.bufferInfo(buffer, OpenClInfo.MEM_SIZE).integer();
            if (type == ElementType.Q8 || size / Float.BYTES < (long) rows * width) {
                throw new IllegalArgumentException("a buffer of " + size + " bytes cannot be taken for " + type + " ("
                        + rows + ", " + width + ")");
            }
            if (calls.bufferInfo(buffer, OpenClInfo.MEM_CONTEXT).integer() != handles.context()) {
                throw new IllegalArgumentException("the buffer belongs to another OpenCL context than the device");
            }
            calls.retainBuffer(buffer);
            return new KernelBuffer(type, rows, width, memory.borrow(buffer));
        });
    }

    /**
     * The {@code cl_mem} of a buffer of this device, for other libraries to read. It lives as long as the buffer, or longer if they
     * retain it.
     */
    public long handle(Buffer buffer) {
        if (!(buffer instanceof KernelBuffer own) || !memory.owns(own)) {
            throw new IllegalArgumentException("the buffer belongs to another device than " + name);
        }
        return own.values().handle();
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        return traits.describe(programs.features());
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

    Memory memory() {
        return memory;
    }

    OpenClPrograms programs() {
        return programs;
    }

    /** Makes a buffer of OpenCL, outside of the device's accounts. */
    long createBuffer(long bytes) {
        return calls.createBuffer(handles.context(), OpenClInfo.MEM_READ_WRITE, Math.max(1, bytes));
    }

    /** Makes a buffer of memory of the host that the driver has pinned. */
    long createStaging(long bytes) {
        checkOpen();
        return calls.createBuffer(handles.context(), OpenClInfo.MEM_ALLOC_HOST_PTR, bytes);
    }

    /** Makes a queue whose events have their times. */
    long createTimedQueue() {
        return calls.createQueue(handles.context(), traits.id(), OpenClInfo.QUEUE_PROFILING);
    }

    /** Whether buffers of another device can be used here. */
    boolean sharesContext(OpenClDevice other) {
        return handles.context() == other.handles.context();
    }

    @Override
    public long weightBytes(WeightShape shape, WeightUse use) {
        return OpenClWeight.bytes(shape, WeightLayout.require(shape, name));
    }

    /** What copies go through is memory of the host; that counts where both are one. */
    @Override
    public long workspaceBytes(StepForm form) {
        return Workspace.bytes(traits, form) + (traits.unifiedMemory() ? OpenClQueue.STAGING_BYTES : 0);
    }

    @Override
    public boolean hasOneLayout() {
        return true;
    }

    @Override
    public Weight load(WeightSource source, WeightUse use) {
        checkOpen();
        return OpenClWeight.load(source, use, WeightLayout.require(source.shape(), name), this);
    }

    /** The way of weights to this device. */
    WeightStaging staging() {
        return staging;
    }

    /** What operations need beside their buffers. */
    StepWorkspace workspace() {
        return workspace;
    }

    @Override
    public Buffer allocate(ElementType type, int rows, int width) {
        checkOpen();
        return KernelBuffer.allocate(type, rows, width, memory);
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
        List<Allocation> allocations = memory.of(operations);
        OpenClPlan plan = new OpenClPlan(this);
        plan.plan(operations);
        return step(plan, allocations);
    }

    /** A step of what was planned, which uses this memory and owns the kernels. */
    OpenClStep step(OpenClPlan plan, List<Allocation> allocations) {
        StepKernels owned = new StepKernels(this, plan.kernels());
        OpenClStep step = new OpenClStep(this, plan.launches(), allocations);
        exclusively(() -> kernels.add(owned));
        CLEANER.register(step, owned);
        return step;
    }

    @Override
    public Optional<Roofline> openRoofline() {
        checkOpen();
        return Optional.of(new OpenClRoofline(this));
    }

    /** The kernels of a step were released. */
    void forget(StepKernels released) {
        kernels.remove(released);
    }

    @Override
    public OpenClQueue queue() {
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
        supply(() -> {
            action.run();
            return true;
        });
    }

    /**
     * As {@link #exclusively}, with a result.
     *
     * @throws DeviceException if a call of the driver fails
     */
    <T> T supply(Supplier<T> action) {
        lock.lock();
        try {
            checkOpen();
            return action.get();
        } catch (OpenClException e) {
            throw new DeviceException("device " + name + ": " + e.getMessage()
                    + "; if it goes on, close the model and open it anew, or update the driver");
        } finally {
            lock.unlock();
        }
    }

    /** Lets go of an object. A driver whose device is lost may refuse that: what was on the device is gone with it. */
    void release(LongConsumer call, long handle) {
        try {
            call.accept(handle);
        } catch (OpenClException e) {
            LOG.log(System.Logger.Level.DEBUG, "device " + name, e);
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("device " + name + " is closed");
        }
    }

    @Override
    public void close() {
        staging.close();
        locked(() -> {
            if (!closed) {
                closed = true;
                release(calls::finish, handles.queue());
                List.copyOf(kernels).forEach(StepKernels::run);
                memory.close();
                programs.close(program -> release(calls::releaseProgram, program));
                queue.close();
                release(handles.releaseContext(), handles.context());
            }
        });
    }
}
