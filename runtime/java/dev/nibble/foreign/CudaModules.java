package dev.nibble.foreign;

import static dev.nibble.foreign.CudaFunction.*;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Modules of device code, their functions and globals, and launches. */
public final class CudaModules {
    private static final int JIT_ERROR_LOG_BUFFER = 5;
    private static final int JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6;
    private static final int LOG_BYTES = 16 << 10;

    private final CudaLink link;
    private final MemorySegment launch;

    CudaModules(CudaLink link) {
        this.link = link;
        launch = link.address(LAUNCH_KERNEL);
    }

    /** Compiles PTX for the current context's device and loads it. An error has the compiler's messages with it. */
    public long load(String ptx) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment image = arena.allocateFrom(ptx);
            MemorySegment log = arena.allocate(LOG_BYTES);
            MemorySegment options = arena.allocateFrom(JAVA_INT, JIT_ERROR_LOG_BUFFER, JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
            MemorySegment values = arena.allocateFrom(JAVA_LONG, log.address(), LOG_BYTES - 1);
            MemorySegment module = arena.allocate(JAVA_LONG);
            int status = link.status(MODULE_LOAD_DATA_EX, address ->
                    (int) CudaSignatures.LOAD.invokeExact(address, module, image, 2, options, values));
            link.check(MODULE_LOAD_DATA_EX, status, log.getString(0).strip());
            return module.get(JAVA_LONG, 0);
        }
    }

    /** Unloads a module from the current context. */
    public void unload(long module) {
        link.callObject(MODULE_UNLOAD, module);
    }

    /** The kernel with a name. */
    public long function(long module, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            return link.queryLong(MODULE_GET_FUNCTION, (address, value) ->
                    (int) CudaSignatures.GET_FUNCTION.invokeExact(address, value, module, text));
        }
    }

    /** The address of a global variable. */
    public long global(long module, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocateFrom(name);
            return link.queryLong(MODULE_GET_GLOBAL, (address, value) ->
                    (int) CudaSignatures.GET_GLOBAL.invokeExact(address, value, MemorySegment.NULL, module, text));
        }
    }

    /** What a function needs or may have. */
    public int attribute(long function, CudaFunctionAttribute attribute) {
        int number = attribute.number();
        return link.queryInt(FUNC_GET_ATTRIBUTE, (address, value) ->
                (int) CudaSignatures.ATTRIBUTE.invokeExact(address, value, number, function));
    }

    /** Chooses what a function may have. */
    public void setAttribute(long function, CudaFunctionAttribute attribute, int value) {
        int number = attribute.number();
        link.call(FUNC_SET_ATTRIBUTE, address ->
                (int) CudaSignatures.SET_ATTRIBUTE.invokeExact(address, function, number, value));
    }

    /** How many blocks of so many threads a multiprocessor runs at once. */
    public int maxActiveBlocks(long function, int threads, long dynamicShared) {
        return link.queryInt(OCCUPANCY_MAX_ACTIVE_BLOCKS, (address, value) ->
                (int) CudaSignatures.OCCUPANCY.invokeExact(address, value, function, threads, dynamicShared));
    }

    /** Enqueues a kernel; the values of its arguments are copied before this returns. */
    public void launch(CudaLaunch kernel, long stream) {
        CudaGrid grid = kernel.grid();
        CudaGrid block = kernel.block();
        try {
            link.check(LAUNCH_KERNEL, (int) CudaSignatures.LAUNCH.invokeExact(
                    launch,
                    kernel.function(),
                    grid.x(),
                    grid.y(),
                    grid.z(),
                    block.x(),
                    block.y(),
                    block.z(),
                    kernel.dynamicShared(),
                    stream,
                    kernel.arguments(),
                    MemorySegment.NULL));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("cuLaunchKernel cannot throw", e);
        }
    }
}
