package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceException;
import dev.nibble.device.ElementType;
import dev.nibble.device.Exchange;
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
import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaStatus;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A GPU with NVIDIA's driver. */
public final class CudaDevice implements Device {
    private final CudaTraits traits;
    private final Cuda calls;
    private final CudaHandles handles;
    private final CudaAccess access;
    private final Memory memory;
    private final CudaPrograms programs;
    private final CudaQueue queue;
    private final StepGraphs graphs;
    private final WeightStaging staging;
    private final StepWorkspace workspace;
    private final Map<Long, Boolean> reached = new HashMap<>();
    private final List<CudaExchange> exchanges = new CopyOnWriteArrayList<>();

    private @Nullable ProductLeftovers leftovers;

    private final ProductChoice productChoice = new ProductChoice(this);

    private CudaDevice(CudaHandles handles) {
        this.handles = handles;
        this.access = new CudaAccess(handles);
        this.traits = handles.traits();
        this.calls = handles.calls();
        this.memory = new Memory(
                new CudaHeap(this), Math.min(traits.memory(), Long.getLong(CudaProperties.MEMORY, Long.MAX_VALUE)));
        this.workspace = new StepWorkspace(memory);
        this.programs = new CudaPrograms(calls, traits);
        this.staging = new WeightStaging(this, calls);
        this.queue = new CudaQueue(this, calls, handles.stream());
        this.graphs = new StepGraphs(this, calls);
    }

    /** Makes a device; if that fails, it lets go of what the device would run on. */
    private static CudaDevice of(CudaHandles handles) {
        try {
            handles.enter();
            try {
                return new CudaDevice(handles);
            } catch (RuntimeException | Error e) {
                handles.destroyStream();
                throw e;
            } finally {
                handles.leave();
            }
        } catch (RuntimeException | Error e) {
            handles.releaseContext();
            throw e;
        }
    }

    /** Opens one of the devices that were found, on its primary context. */
    static CudaDevice open(CudaPlatform platform, int ordinal) {
        CudaTraits traits = platform.devices().get(ordinal).usable();
        try {
            return of(CudaHandles.primary(platform.driver(), traits));
        } catch (CudaException e) {
            throw new DeviceException("device " + traits.device() + ": " + e.getMessage());
        }
    }

    /**
     * Borrows the CUDA context that is current on this thread, whatever library made it so.
     *
     * @throws IllegalArgumentException if there is none
     * @throws UnsupportedFeatureException if there is no driver on this system, or it is too old
     */
    public static CudaDevice current() {
        return attach(CudaPlatform.system().driver().contexts().current());
    }

    /**
     * Borrows a CUDA context of an application: it is never destroyed. What a model enqueues goes to a stream of this device, which
     * keeps its order with the context's default stream.
     *
     * @param context a {@code CUcontext}
     * @throws IllegalArgumentException if that is no context
     * @throws UnsupportedFeatureException if there is no driver on this system, or it is too old
     */
    public static CudaDevice attach(long context) {
        CudaPlatform platform = CudaPlatform.system();
        return attached(platform, context, traits -> CudaHandles.borrow(platform.driver(), traits, context));
    }

    /**
     * Borrows a CUDA context and a stream of an application: they are never destroyed. What a model enqueues goes to the
     * application's stream, in order with what the application enqueues there.
     *
     * @param context a {@code CUcontext}
     * @param stream a {@code CUstream} of the context; 0: its default stream
     * @throws IllegalArgumentException if these do not belong together
     * @throws UnsupportedFeatureException if there is no driver on this system, or it is too old
     */
    public static CudaDevice attach(long context, long stream) {
        CudaPlatform platform = CudaPlatform.system();
        return attached(platform, context, traits -> CudaHandles.borrow(platform.driver(), traits, context, stream));
    }

    private static CudaDevice attached(CudaPlatform platform, long context, Borrowing borrowing) {
        if (context == 0) {
            throw new IllegalArgumentException("there is no CUDA context; make one the current one of this thread");
        }
        try {
            return of(borrowing.handles(platform.of(context)));
        } catch (CudaException e) {
            throw new IllegalArgumentException(
                    "cannot use the CUDA context 0x" + Long.toHexString(context) + ": " + e.getMessage(), e);
        }
    }

    private interface Borrowing {
        CudaHandles handles(CudaTraits traits);
    }

    /**
     * Borrows memory of the application, on the device of this context, as a matrix. It is never freed.
     *
     * @param pointer a {@code CUdeviceptr} with at least 4 × rows × width bytes behind it
     * @param type F32 or I32
     * @throws IllegalArgumentException if the memory is not this device's, or too small
     */
    public Buffer attach(long pointer, ElementType type, int rows, int width) {
        KernelBuffer.checkShape(type, rows, width);
        return supply(() -> {
            BorrowedMemory.check(handles, pointer, type, (long) rows * width);
            return new KernelBuffer(type, rows, width, memory.borrow(pointer));
        });
    }

    /** The address of a buffer of this device, for other libraries to use. It is valid until the buffer is closed. */
    public long pointer(Buffer buffer) {
        if (!(buffer instanceof KernelBuffer own) || !memory.owns(own)) {
            throw new IllegalArgumentException("the buffer belongs to another device than " + name());
        }
        return own.values().handle();
    }

    /** The {@code CUcontext} that this device works in. */
    public long context() {
        return handles.context();
    }

    /** The {@code CUstream} that this device's work is enqueued to, for other libraries to wait for. */
    public long stream() {
        return handles.stream();
    }

    @Override
    public String name() {
        return traits.device();
    }

    @Override
    public String description() {
        return traits.describe();
    }

    @Override
    public String hardware() {
        return traits.name();
    }

    @Override
    public int threads() {
        return 0;
    }

    @Override
    public long freeMemory() {
        return memory.free();
    }

    Cuda calls() {
        return calls;
    }

    /** The way to the driver. */
    CudaAccess access() {
        return access;
    }

    CudaTraits traits() {
        return traits;
    }

    Memory memory() {
        return memory;
    }

    CudaPrograms programs() {
        return programs;
    }

    /** What steps are replayed from. */
    StepGraphs graphs() {
        return graphs;
    }

    /** The way of weights to this device. */
    WeightStaging staging() {
        return staging;
    }

    @Override
    public long weightBytes(WeightShape shape, WeightUse use) {
        return CudaWeight.bytes(shape, name());
    }

    @Override
    public long stagingBytes(WeightShape shape) {
        return WeightStaging.bytes(shape);
    }

    @Override
    public boolean hasOneLayout() {
        return true;
    }

    @Override
    public Weight load(WeightSource source, WeightUse use) {
        access.checkOpen();
        return CudaWeight.load(source, use, this);
    }

    /** What operations need beside their buffers. */
    StepWorkspace workspace() {
        return workspace;
    }

    /** Which kernels multiply. */
    ProductChoice productChoice() {
        return productChoice;
    }

    /** What blocks of one launch of products leave for each other; such launches run one at a time. */
    synchronized ProductLeftovers leftovers() {
        if (leftovers == null) {
            leftovers = ProductLeftovers.allocate(this);
        }
        return leftovers;
    }

    @Override
    public Buffer allocate(ElementType type, int rows, int width) {
        access.checkOpen();
        return KernelBuffer.allocate(type, rows, width, memory);
    }

    @Override
    public KvPages allocateKv(KvLayout layout, int pages) {
        access.checkOpen();
        if (pages < 1) {
            throw new IllegalArgumentException("there is no KV cache of " + pages + " pages");
        }
        if (layout.latent()) {
            LatentShape.check(traits, layout);
        } else {
            AttentionShape.size(traits, layout);
        }
        staging.release();
        return new CudaKvPages(layout, pages, memory);
    }

    @Override
    public Step prepare(List<Operation> operations) {
        access.checkOpen();
        List<Allocation> allocations = memory.of(operations);
        staging.release();
        CudaPlan plan = new CudaPlan(this);
        exclusively(() -> plan.plan(operations));
        return new CudaStep(this, plan.launches(), allocations);
    }

    @Override
    public long workspaceBytes(StepForm form) {
        return CudaWorkspace.bytes(traits, form);
    }

    @Override
    public Optional<Roofline> openRoofline() {
        access.checkOpen();
        return Optional.of(new CudaRoofline(this));
    }

    @Override
    public List<Exchange> openExchanges(List<? extends Device> devices, List<List<Buffer>> buffers) {
        return CudaMeeting.open(devices, buffers);
    }

    /** Those that it has a place in. */
    List<CudaExchange> exchanges() {
        return exchanges;
    }

    /** Whether its kernels read the memory of another device: its context is not an application's, so that it may be allowed that. */
    boolean readsMemoryOf(CudaDevice other) {
        return handles.ownsContext() && other.handles.ownsContext() && reaches(other);
    }

    /** Whether all that was enqueued is done. */
    boolean isIdle() {
        return supply(() -> calls.streams().isDone(stream()));
    }

    /** Whether copies to another device go there without the host's memory. */
    boolean reaches(CudaDevice other) {
        return other.context() == context()
                || supply(() -> reached.computeIfAbsent(other.context(), peer -> reach(other)));
    }

    /** What an application lent stays as it is: there the driver chooses the way. */
    private boolean reach(CudaDevice other) {
        if (!calls.devices().canAccessPeer(traits.id(), other.traits.id())) {
            return false;
        }
        if (handles.ownsContext() && other.handles.ownsContext()) {
            try {
                calls.contexts().enablePeerAccess(other.context());
            } catch (CudaException e) {
                if (e.code() != CudaStatus.PEER_ACCESS_ALREADY_ENABLED) {
                    throw e;
                }
            }
        }
        return true;
    }

    @Override
    public CudaQueue queue() {
        return queue;
    }

    /** Enqueues a kernel. */
    void launch(KernelLaunch launch, long stream) {
        try {
            calls.modules().launch(launch.call(), stream);
        } catch (CudaException e) {
            throw new DeviceException("device " + name() + ", kernel " + launch.describe() + ": " + e.getMessage()
                    + "; " + access.remedy(e));
        }
    }

    /** Waits for what is enqueued, if anything is. A context that is lost has nothing to wait for. */
    void settle() {
        access.release(queue::settle);
    }

    /** As of {@link CudaAccess}. */
    void exclusively(Runnable action) {
        access.exclusively(action);
    }

    /** As of {@link CudaAccess}. */
    <T> T supply(Supplier<T> action) {
        return access.supply(action);
    }

    @Override
    public void close() {
        staging.close();
        access.close(this::free);
    }

    private void free() {
        access.release(queue::finish);
        graphs.close();
        memory.close();
        programs.close(module -> access.release(() -> calls.modules().unload(module)));
        queue.close();
    }
}
