package dev.nibble.foreign;

import static dev.nibble.foreign.CudaFunction.*;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The memory of devices, and host memory that they copy from and to on their own. Copies and fills are enqueued on a stream; host
 * memory that is not pinned is copied by the calling thread.
 */
public final class CudaMemory {
    /** A flag of pinned memory: it is pinned for all contexts. */
    public static final int PORTABLE = 1;

    /** A flag of pinned memory: kernels can use it, at the same address. */
    public static final int MAPPED = 2;

    /** Values of {@link CudaPointerAttribute#MEMORY_TYPE}. */
    public static final int HOST = 1;

    public static final int DEVICE = 2;

    private final CudaLink link;

    CudaMemory(CudaLink link) {
        this.link = link;
    }

    /** The free memory of the current context's device, in bytes. */
    public long free() {
        return info()[0];
    }

    /** The size of the current context's device's memory, in bytes. */
    public long total() {
        return info()[1];
    }

    private long[] info() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment free = arena.allocate(JAVA_LONG);
            MemorySegment total = arena.allocate(JAVA_LONG);
            link.call(MEM_GET_INFO, address -> (int) CudaSignatures.TWO_RESULTS.invokeExact(address, free, total));
            return new long[] {free.get(JAVA_LONG, 0), total.get(JAVA_LONG, 0)};
        }
    }

    /** Allocates memory, at a multiple of 256 bytes, on the current context's device; its content is undefined. */
    public long allocate(long bytes) {
        return link.queryLong(MEM_ALLOC, (address, value) ->
                (int) CudaSignatures.RESULT_OF_OBJECT.invokeExact(address, value, bytes));
    }

    /** Frees what {@link #allocate(long)} gave, after all that is enqueued. */
    public void free(long pointer) {
        link.callObject(MEM_FREE, pointer);
    }

    /** Allocates pinned host memory, for as long as nobody frees it. */
    @SuppressWarnings("restricted") // this package is where native memory is bound
    public MemorySegment allocateHost(long bytes, int flags) {
        long pointer = link.queryLong(MEM_HOST_ALLOC, (address, value) ->
                (int) CudaSignatures.HOST_ALLOC.invokeExact(address, value, bytes, flags));
        return MemorySegment.ofAddress(pointer).reinterpret(bytes);
    }

    /** Frees pinned host memory. */
    public void freeHost(MemorySegment memory) {
        link.callObject(MEM_FREE_HOST, memory.address());
    }

    /** Enqueues a copy of all of this native memory to a device. */
    public void toDevice(long target, MemorySegment source, long stream) {
        link.call(MEMCPY_HTOD_ASYNC, address ->
                (int) CudaSignatures.TO_DEVICE.invokeExact(address, target, source, source.byteSize(), stream));
    }

    /** Enqueues a copy from a device that fills this native memory. */
    public void toHost(MemorySegment target, long source, long stream) {
        link.call(MEMCPY_DTOH_ASYNC, address ->
                (int) CudaSignatures.TO_HOST.invokeExact(address, target, source, target.byteSize(), stream));
    }

    /** Enqueues a copy within a device, or between devices whose contexts may access each other. */
    public void copy(long target, long source, long bytes, long stream) {
        link.call(MEMCPY_DTOD_ASYNC, address ->
                (int) CudaSignatures.COPY.invokeExact(address, target, source, bytes, stream));
    }

    /** Enqueues a copy between the memories of two contexts, whether or not they may access each other. */
    public void copyPeer(long target, long targetContext, long source, long sourceContext, long bytes, long stream) {
        link.call(MEMCPY_PEER_ASYNC, address -> (int) CudaSignatures.COPY_PEER.invokeExact(
                address, target, targetContext, source, sourceContext, bytes, stream));
    }

    /** Enqueues the filling of so many bytes. */
    public void fillBytes(long target, byte value, long count, long stream) {
        link.call(MEMSET_D8_ASYNC, address ->
                (int) CudaSignatures.FILL_BYTES.invokeExact(address, target, value, count, stream));
    }

    /** Enqueues the filling of so many ints, at a multiple of 4 bytes. */
    public void fillInts(long target, int value, long count, long stream) {
        link.call(MEMSET_D32_ASYNC, address ->
                (int) CudaSignatures.FILL_INTS.invokeExact(address, target, value, count, stream));
    }

    /** What the driver knows of an address; an address that is not its own is an error. */
    public long attribute(long pointer, CudaPointerAttribute attribute) {
        int number = attribute.number();
        return link.queryLong(POINTER_GET_ATTRIBUTE, (address, value) ->
                (int) CudaSignatures.ATTRIBUTE.invokeExact(address, value, number, pointer));
    }

    /** What the driver knows of an address; of one that is not its own, zeros (for the ordinal of its device -2). */
    public long[] attributes(long pointer, CudaPointerAttribute... attributes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(JAVA_INT, attributes.length);
            MemorySegment values = arena.allocate(JAVA_LONG, attributes.length);
            MemorySegment pointers = arena.allocate(ADDRESS, attributes.length);
            for (int i = 0; i < attributes.length; i++) {
                numbers.setAtIndex(JAVA_INT, i, attributes[i].number());
                pointers.setAtIndex(ADDRESS, i, values.asSlice(i * JAVA_LONG.byteSize()));
            }
            link.call(POINTER_GET_ATTRIBUTES, address -> (int)
                    CudaSignatures.ATTRIBUTES.invokeExact(address, attributes.length, numbers, pointers, pointer));
            return values.toArray(JAVA_LONG);
        }
    }
}
