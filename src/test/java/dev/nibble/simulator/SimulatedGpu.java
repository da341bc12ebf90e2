package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaFunctionAttribute;
import dev.nibble.foreign.CudaGrid;
import dev.nibble.foreign.CudaLaunch;
import dev.nibble.foreign.CudaLibrary;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A context of the simulated driver with what a test loads and allocates in it; gone with all of that when it is closed. */
final class SimulatedGpu implements AutoCloseable {
    private final Cuda cuda = Objects.requireNonNull(CudaLibrary.system().calls());
    private final Arena arena = Arena.ofConfined();
    private final List<Long> modules = new ArrayList<>();
    private final List<Long> buffers = new ArrayList<>();
    private final int device;

    SimulatedGpu() {
        device = cuda.devices().get(0);
        cuda.contexts().setCurrent(cuda.contexts().retainPrimary(device));
    }

    /** The kernel of that name in PTX text. */
    long kernel(String ptx, String name) {
        long module = cuda.modules().load(ptx);
        modules.add(module);
        return cuda.modules().function(module, name);
    }

    /** Lets a kernel have more dynamic shared memory than 48 KiB. */
    void allowShared(long kernel, int bytes) {
        cuda.modules().setAttribute(kernel, CudaFunctionAttribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes);
    }

    /** Device memory that nothing has written. */
    long unwritten(long bytes) {
        long buffer = cuda.memory().allocate(bytes);
        buffers.add(buffer);
        return buffer;
    }

    /** Device memory with these bytes. */
    long buffer(byte[] bytes) {
        long buffer = unwritten(bytes.length);
        MemorySegment source = arena.allocateFrom(JAVA_BYTE, bytes);
        cuda.memory().toDevice(buffer, source, 0);
        cuda.contexts().synchronize();
        return buffer;
    }

    /** Device memory with these values. */
    long buffer(long... values) {
        return buffer(arena.allocateFrom(JAVA_LONG, values).toArray(JAVA_BYTE));
    }

    /** Device memory of zeros. */
    long zeros(int bytes) {
        return buffer(new byte[bytes]);
    }

    /** Frees a buffer at once. */
    void free(long buffer) {
        buffers.remove(buffer);
        cuda.memory().free(buffer);
    }

    /** What a buffer holds. */
    MemorySegment read(long buffer, long bytes) {
        MemorySegment target = arena.allocate(bytes);
        cuda.memory().toHost(target, buffer, 0);
        cuda.contexts().synchronize();
        return target;
    }

    /** Runs a kernel to its end. Arguments are taken as 64 bits each, of which shorter parameters see the lower ones. */
    void run(long kernel, int blocks, int threads, int shared, long... arguments) {
        run(kernel, CudaGrid.of(blocks), CudaGrid.of(threads), shared, arguments);
    }

    /** Runs a kernel to its end. */
    void run(long kernel, CudaGrid grid, CudaGrid block, int shared, long... arguments) {
        MemorySegment values = arena.allocateFrom(JAVA_LONG, arguments);
        MemorySegment pointers = arena.allocate(ADDRESS, Math.max(arguments.length, 1));
        for (int i = 0; i < arguments.length; i++) {
            pointers.setAtIndex(ADDRESS, i, values.asSlice(8L * i));
        }
        cuda.modules().launch(new CudaLaunch(kernel, grid, block, shared, pointers), 0);
        cuda.contexts().synchronize();
    }

    @Override
    public void close() {
        try {
            modules.forEach(module -> release(() -> cuda.modules().unload(module)));
            buffers.forEach(buffer -> release(() -> cuda.memory().free(buffer)));
        } finally {
            cuda.contexts().releasePrimary(device);
            arena.close();
        }
    }

    /** After a fault the context frees nothing any more; it ends with what it has. */
    private static void release(Runnable call) {
        try {
            call.run();
        } catch (dev.nibble.foreign.CudaException e) {
            assert !e.getMessage().isEmpty();
        }
    }
}
