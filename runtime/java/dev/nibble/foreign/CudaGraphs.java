package dev.nibble.foreign;

import static dev.nibble.foreign.CudaFunction.*;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;

/**
 * Graphs: work that is captured from streams once, and enqueued whole again and again. A graph is instantiated to an execution, which is
 * what is launched.
 */
public final class CudaGraphs {
    /** A mode of capture: calls of any thread that could break it are refused. */
    public static final int CAPTURE_GLOBAL = 0;

    /** A mode of capture: calls of this thread that could break it are refused. */
    public static final int CAPTURE_THREAD_LOCAL = 1;

    /** A mode of capture: nothing is refused. */
    public static final int CAPTURE_RELAXED = 2;

    /** A type of a node: a kernel. */
    public static final int KERNEL_NODE = 0;

    private static final int CAPTURING = 1;

    /** CUDA_KERNEL_NODE_PARAMS_v1. */
    private static final StructLayout KERNEL = MemoryLayout.structLayout(
            JAVA_LONG.withName("func"),
            MemoryLayout.sequenceLayout(7, JAVA_INT).withName("grid, block, sharedMemBytes"),
            MemoryLayout.paddingLayout(4),
            ADDRESS.withName("kernelParams"),
            ADDRESS.withName("extra"));

    private final CudaLink link;

    CudaGraphs(CudaLink link) {
        this.link = link;
    }

    /** From now on what is enqueued on a stream, and on those that wait for its events, is captured instead of done. */
    public void beginCapture(long stream, int mode) {
        link.call(STREAM_BEGIN_CAPTURE, address -> (int) CudaSignatures.OBJECT_INT.invokeExact(address, stream, mode));
    }

    /** Ends a capture, on the stream that it began on; all others must have joined it. Returns a graph. */
    public long endCapture(long stream) {
        return link.queryLong(STREAM_END_CAPTURE, (address, value) ->
                (int) CudaSignatures.OBJECT_RESULT.invokeExact(address, stream, value));
    }

    /** Whether what is enqueued on a stream is captured; false also where the capture broke. */
    public boolean isCapturing(long stream) {
        return link.queryInt(STREAM_IS_CAPTURING, (address, value) ->
                        (int) CudaSignatures.OBJECT_RESULT.invokeExact(address, stream, value))
                == CAPTURING;
    }

    /** Makes an execution of a graph, in which the graph may change or end without effect. */
    public long instantiate(long graph) {
        return link.queryLong(GRAPH_INSTANTIATE, (address, value) ->
                (int) CudaSignatures.INSTANTIATE.invokeExact(address, value, graph, 0L));
    }

    /** Sends an execution to the device, so that its first launch need not. */
    public void upload(long execution, long stream) {
        link.call(GRAPH_UPLOAD, address -> (int) CudaSignatures.TWO_OBJECTS.invokeExact(address, execution, stream));
    }

    /** Enqueues an execution. */
    public void launch(long execution, long stream) {
        link.call(GRAPH_LAUNCH, address -> (int) CudaSignatures.TWO_OBJECTS.invokeExact(address, execution, stream));
    }

    /** The nodes of a graph, in the order in which they were made. */
    public long[] nodes(long graph) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(JAVA_LONG);
            link.call(GRAPH_GET_NODES, address ->
                    (int) CudaSignatures.NODES.invokeExact(address, graph, MemorySegment.NULL, count));
            if (count.get(JAVA_LONG, 0) == 0) {
                return new long[0];
            }
            MemorySegment nodes = arena.allocate(JAVA_LONG, count.get(JAVA_LONG, 0));
            link.call(GRAPH_GET_NODES, address -> (int) CudaSignatures.NODES.invokeExact(address, graph, nodes, count));
            return nodes.toArray(JAVA_LONG);
        }
    }

    /** What a node does; {@link #KERNEL_NODE} for a kernel. */
    public int nodeType(long node) {
        return link.queryInt(GRAPH_NODE_GET_TYPE, (address, value) ->
                (int) CudaSignatures.OBJECT_RESULT.invokeExact(address, node, value));
    }

    /** Replaces the launch of a kernel's node in an execution; the kernel must be of the same context. */
    public void setKernel(long execution, long node, CudaLaunch launch) {
        CudaGrid grid = launch.grid();
        CudaGrid block = launch.block();
        int[] numbers = {grid.x(), grid.y(), grid.z(), block.x(), block.y(), block.z(), launch.dynamicShared()};
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment kernel = arena.allocate(KERNEL);
            kernel.set(JAVA_LONG, 0, launch.function());
            MemorySegment.copy(numbers, 0, kernel, JAVA_INT, JAVA_LONG.byteSize(), numbers.length);
            kernel.set(ADDRESS, KERNEL.byteOffset(PathElement.groupElement("kernelParams")), launch.arguments());
            link.call(GRAPH_EXEC_KERNEL_NODE_SET_PARAMS, address ->
                    (int) CudaSignatures.SET_NODE.invokeExact(address, execution, node, kernel));
        }
    }

    /** Takes over the arguments of a graph of the same shape; false where it has another shape: it must be instantiated. */
    public boolean update(long execution, long graph) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment node = arena.allocate(JAVA_LONG);
            MemorySegment result = arena.allocate(JAVA_INT);
            int status = link.status(GRAPH_EXEC_UPDATE, address ->
                    (int) CudaSignatures.UPDATE.invokeExact(address, execution, graph, node, result));
            if (status == CudaStatus.GRAPH_EXEC_UPDATE_FAILURE) {
                return false;
            }
            link.check(GRAPH_EXEC_UPDATE, status);
            return true;
        }
    }

    /** Destroys a graph; its executions live on. */
    public void destroy(long graph) {
        link.callObject(GRAPH_DESTROY, graph);
    }

    /** Destroys an execution; what was enqueued is still done. */
    public void destroyExecution(long execution) {
        link.callObject(GRAPH_EXEC_DESTROY, execution);
    }
}
