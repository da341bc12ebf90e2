package dev.nibble.foreign;

import static dev.nibble.foreign.OpenClFunction.*;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;

/**
 * The calls of an OpenCL library. Objects (contexts, queues, buffers, programs, kernels, events) are handles as the library gives
 * them, as longs. Each call's status is checked: an error becomes an {@link OpenClException} that names the call.
 *
 * <p>Source: the OpenCL 1.2 and 3.0 API specifications, Khronos.
 */
public final class OpenCl {
    private static final int TRUE = 1;
    private static final int FALSE = 0;

    private final OpenClLink link;
    private final MemorySegment launch;

    OpenCl(SymbolLookup lookup) {
        link = new OpenClLink(lookup);
        launch = link.address(ENQUEUE_ND_RANGE_KERNEL);
    }

    /** The platforms: drivers, each with its devices. None is a normal state. */
    public long[] platforms() {
        return link.ids(GET_PLATFORM_IDS, OpenClStatus.PLATFORM_NOT_FOUND, (address, entries, ids, count) ->
                (int) OpenClSignatures.PLATFORMS.invokeExact(address, entries, ids, count));
    }

    /** The devices of a platform of any type. None is a normal state. */
    public long[] devices(long platform) {
        return link.ids(GET_DEVICE_IDS, OpenClStatus.DEVICE_NOT_FOUND, (address, entries, ids, count) ->
                (int) OpenClSignatures.DEVICES.invokeExact(address, platform, 0xffff_ffffL, entries, ids, count));
    }

    /** What a platform says of itself: one of {@code CL_PLATFORM_…}. */
    public OpenClInfo platformInfo(long platform, int what) {
        return info(GET_PLATFORM_INFO, platform, what);
    }

    /** What a device says of itself: one of {@code CL_DEVICE_…}. */
    public OpenClInfo deviceInfo(long device, int what) {
        return info(GET_DEVICE_INFO, device, what);
    }

    /** What a queue is made of: one of {@code CL_QUEUE_…}. */
    public OpenClInfo queueInfo(long queue, int what) {
        return info(GET_COMMAND_QUEUE_INFO, queue, what);
    }

    /** What a buffer is made of: one of {@code CL_MEM_…}. */
    public OpenClInfo bufferInfo(long buffer, int what) {
        return info(GET_MEM_OBJECT_INFO, buffer, what);
    }

    private OpenClInfo info(OpenClFunction function, long object, int what) {
        return link.info(function, (address, size, value, needed) ->
                (int) OpenClSignatures.INFO.invokeExact(address, object, what, size, value, needed));
    }

    /** What the build of a program for a device left: one of {@code CL_PROGRAM_BUILD_…}. */
    public OpenClInfo buildInfo(long program, long device, int what) {
        return link.info(GET_PROGRAM_BUILD_INFO, (address, size, value, needed) ->
                (int) OpenClSignatures.DEVICE_INFO.invokeExact(address, program, device, what, size, value, needed));
    }

    /** What a kernel needs on a device: one of {@code CL_KERNEL_…}. */
    public OpenClInfo kernelInfo(long kernel, long device, int what) {
        return link.info(GET_KERNEL_WORK_GROUP_INFO, (address, size, value, needed) ->
                (int) OpenClSignatures.DEVICE_INFO.invokeExact(address, kernel, device, what, size, value, needed));
    }

    /** Makes a context of devices of one platform. */
    public long createContext(long... devices) {
        return link.create(
                CREATE_CONTEXT, (address, arena, status) -> (long) OpenClSignatures.CREATE_CONTEXT.invokeExact(
                        address,
                        MemorySegment.NULL,
                        devices.length,
                        arena.allocateFrom(JAVA_LONG, devices),
                        0L,
                        0L,
                        status));
    }

    /** Counts one more owner of a context. */
    public void retainContext(long context) {
        link.callObject(RETAIN_CONTEXT, context);
    }

    /** Counts one owner less of a context. */
    public void releaseContext(long context) {
        link.callObject(RELEASE_CONTEXT, context);
    }

    /** Makes a queue that runs commands in order. */
    public long createQueue(long context, long device, long properties) {
        return link.create(CREATE_COMMAND_QUEUE, (address, arena, status) ->
                (long) OpenClSignatures.CREATE_QUEUE.invokeExact(address, context, device, properties, status));
    }

    /** Counts one more owner of a queue. */
    public void retainQueue(long queue) {
        link.callObject(RETAIN_COMMAND_QUEUE, queue);
    }

    /** Counts one owner less of a queue. */
    public void releaseQueue(long queue) {
        link.callObject(RELEASE_COMMAND_QUEUE, queue);
    }

    /** Makes a buffer; its content is undefined. */
    public long createBuffer(long context, long flags, long bytes) {
        return link.create(CREATE_BUFFER, (address, arena, status) -> (long)
                OpenClSignatures.CREATE_BUFFER.invokeExact(address, context, flags, bytes, MemorySegment.NULL, status));
    }

    /** Counts one more owner of a buffer. */
    public void retainBuffer(long buffer) {
        link.callObject(RETAIN_MEM_OBJECT, buffer);
    }

    /** Counts one owner less of a buffer. */
    public void releaseBuffer(long buffer) {
        link.callObject(RELEASE_MEM_OBJECT, buffer);
    }

    /** Makes a program of OpenCL C. */
    public long createProgram(long context, String source) {
        byte[] text = source.getBytes(StandardCharsets.UTF_8);
        return link.create(CREATE_PROGRAM_WITH_SOURCE, (address, arena, status) -> {
            MemorySegment texts = arena.allocateFrom(ADDRESS, arena.allocateFrom(JAVA_BYTE, text));
            MemorySegment lengths = arena.allocateFrom(JAVA_LONG, text.length);
            return (long) OpenClSignatures.CREATE_FROM_SOURCE.invokeExact(address, context, 1, texts, lengths, status);
        });
    }

    /** Makes a program of what {@link #programBinary} gave for the same device and driver. */
    public long createProgram(long context, long device, byte[] binary) {
        return link.create(CREATE_PROGRAM_WITH_BINARY, (address, arena, status) -> {
            MemorySegment binaries = arena.allocateFrom(ADDRESS, arena.allocateFrom(JAVA_BYTE, binary));
            return (long) OpenClSignatures.CREATE_FROM_BINARY.invokeExact(
                    address,
                    context,
                    1,
                    arena.allocateFrom(JAVA_LONG, device),
                    arena.allocateFrom(JAVA_LONG, binary.length),
                    binaries,
                    arena.allocate(JAVA_INT),
                    status);
        });
    }

    /** Compiles a program for a device. */
    public void buildProgram(long program, long device, String options) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ids = arena.allocateFrom(JAVA_LONG, device);
            MemorySegment text = arena.allocateFrom(options);
            link.call(BUILD_PROGRAM, address ->
                    (int) OpenClSignatures.BUILD.invokeExact(address, program, 1, ids, text, 0L, 0L));
        }
    }

    /** What a program is made of: one of {@code CL_PROGRAM_…}. */
    public OpenClInfo programInfo(long program, int what) {
        return info(GET_PROGRAM_INFO, program, what);
    }

    /**
     * The device code of a built program.
     *
     * @param index the place of the device among those of the program
     * @return nothing if the program was not built for this device
     */
    public byte[] programBinary(long program, int index) {
        long[] sizes = programInfo(program, OpenClInfo.PROGRAM_BINARY_SIZES).longs();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pointers = arena.allocate(ADDRESS, sizes.length);
            MemorySegment binary = arena.allocate(Math.max(1, sizes[index]));
            pointers.setAtIndex(ADDRESS, index, binary);
            link.call(GET_PROGRAM_INFO, address -> (int) OpenClSignatures.INFO.invokeExact(
                    address, program, OpenClInfo.PROGRAM_BINARIES, pointers.byteSize(), pointers, MemorySegment.NULL));
            return binary.asSlice(0, sizes[index]).toArray(JAVA_BYTE);
        }
    }

    /** Counts one owner less of a program. */
    public void releaseProgram(long program) {
        link.callObject(RELEASE_PROGRAM, program);
    }

    /** Makes a kernel, whose arguments are yet to be set. */
    public long createKernel(long program, String name) {
        return link.create(CREATE_KERNEL, (address, arena, status) ->
                (long) OpenClSignatures.CREATE_KERNEL.invokeExact(address, program, arena.allocateFrom(name), status));
    }

    /**
     * Sets an argument of a kernel.
     *
     * @param value native memory, copied; a null pointer for local memory
     */
    public void setArgument(long kernel, int index, long bytes, MemorySegment value) {
        link.call(SET_KERNEL_ARG, address ->
                (int) OpenClSignatures.SET_ARGUMENT.invokeExact(address, kernel, index, bytes, value));
    }

    /** Counts one owner less of a kernel. */
    public void releaseKernel(long kernel) {
        link.callObject(RELEASE_KERNEL, kernel);
    }

    /**
     * Enqueues a kernel.
     *
     * @param global the number of work-items in each dimension, longs in native memory
     * @param local the same of a work-group
     * @param event where the handle of its event goes; a null pointer for none
     */
    public void launch(
            long queue, long kernel, int dimensions, MemorySegment global, MemorySegment local, MemorySegment event) {
        try {
            OpenClLink.check(ENQUEUE_ND_RANGE_KERNEL, (int) OpenClSignatures.LAUNCH.invokeExact(
                    launch,
                    queue,
                    kernel,
                    dimensions,
                    MemorySegment.NULL,
                    global,
                    local,
                    0,
                    MemorySegment.NULL,
                    event));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("clEnqueueNDRangeKernel cannot throw", e);
        }
    }

    /** Reads a part of a buffer into native memory when all before it is done, and waits for that. */
    public void read(long queue, long buffer, long offset, MemorySegment target) {
        link.call(ENQUEUE_READ_BUFFER, address -> (int) OpenClSignatures.TRANSFER.invokeExact(
                address,
                queue,
                buffer,
                TRUE,
                offset,
                target.byteSize(),
                target,
                0,
                MemorySegment.NULL,
                MemorySegment.NULL));
    }

    /** Enqueues a write to a part of a buffer from native memory, which must stay as it is until that is done. */
    public void write(long queue, long buffer, long offset, MemorySegment source) {
        link.call(ENQUEUE_WRITE_BUFFER, address -> (int) OpenClSignatures.TRANSFER.invokeExact(
                address,
                queue,
                buffer,
                FALSE,
                offset,
                source.byteSize(),
                source,
                0,
                MemorySegment.NULL,
                MemorySegment.NULL));
    }

    /** As {@link #write}; returns an event that tells when it is done. */
    public long writeWithEvent(long queue, long buffer, long offset, MemorySegment source) {
        return transferWithEvent(ENQUEUE_WRITE_BUFFER, queue, buffer, offset, source);
    }

    /** Enqueues a read of a part of a buffer into native memory; returns an event that tells when it is done. */
    public long readWithEvent(long queue, long buffer, long offset, MemorySegment target) {
        return transferWithEvent(ENQUEUE_READ_BUFFER, queue, buffer, offset, target);
    }

    private long transferWithEvent(OpenClFunction function, long queue, long buffer, long offset, MemorySegment host) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(JAVA_LONG);
            link.call(function, address -> (int) OpenClSignatures.TRANSFER.invokeExact(
                    address, queue, buffer, FALSE, offset, host.byteSize(), host, 0, MemorySegment.NULL, event));
            return event.get(JAVA_LONG, 0);
        }
    }

    /** Enqueues a copy from one buffer to another of the same context; returns an event that tells when it is done. */
    public long copy(long queue, long source, long sourceOffset, long target, long targetOffset, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(JAVA_LONG);
            link.call(ENQUEUE_COPY_BUFFER, address -> (int) OpenClSignatures.COPY.invokeExact(
                    address, queue, source, target, sourceOffset, targetOffset, bytes, 0, MemorySegment.NULL, event));
            return event.get(JAVA_LONG, 0);
        }
    }

    /** Lets what is enqueued from now on begin after an event, of any queue of the same context, and lets go of the event. */
    public void after(long queue, long event) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment events = arena.allocateFrom(JAVA_LONG, event);
            link.call(ENQUEUE_BARRIER, address ->
                    (int) OpenClSignatures.BARRIER.invokeExact(address, queue, 1, events, MemorySegment.NULL));
        } finally {
            forget(event);
        }
    }

    /** An event, for the caller to let go of, of when all that was enqueued is done. */
    public long barrier(long queue) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(JAVA_LONG);
            link.call(ENQUEUE_BARRIER, address ->
                    (int) OpenClSignatures.BARRIER.invokeExact(address, queue, 0, MemorySegment.NULL, event));
            return event.get(JAVA_LONG, 0);
        }
    }

    /** Enqueues the filling of a part of a buffer with a repeated int; offset and size are multiples of 4. */
    public void fill(long queue, long buffer, int pattern, long offset, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocateFrom(JAVA_INT, pattern);
            link.call(ENQUEUE_FILL_BUFFER, address -> (int) OpenClSignatures.FILL.invokeExact(
                    address,
                    queue,
                    buffer,
                    value,
                    (long) Integer.BYTES,
                    offset,
                    bytes,
                    0,
                    MemorySegment.NULL,
                    MemorySegment.NULL));
        }
    }

    /** Maps a whole buffer to host memory for reading and writing, waiting for it. */
    @SuppressWarnings("restricted") // this package is where native memory is bound
    public MemorySegment map(long queue, long buffer, long flags, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(JAVA_INT);
            MemorySegment mapped =
                    link.invoke(ENQUEUE_MAP_BUFFER, address -> (MemorySegment) OpenClSignatures.MAP.invokeExact(
                            address,
                            queue,
                            buffer,
                            TRUE,
                            flags,
                            0L,
                            bytes,
                            0,
                            MemorySegment.NULL,
                            MemorySegment.NULL,
                            status));
            OpenClLink.check(ENQUEUE_MAP_BUFFER, status.get(JAVA_INT, 0));
            return mapped.reinterpret(bytes);
        }
    }

    /** Enqueues the end of a mapping. */
    public void unmap(long queue, long buffer, MemorySegment mapped) {
        link.call(ENQUEUE_UNMAP_MEM_OBJECT, address -> (int) OpenClSignatures.UNMAP.invokeExact(
                address, queue, buffer, mapped, 0, MemorySegment.NULL, MemorySegment.NULL));
    }

    /** Lets go of an event. */
    public void forget(long event) {
        link.callObject(RELEASE_EVENT, event);
    }

    /** Waits for an event and lets go of it. */
    public void await(long event) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment events = arena.allocateFrom(JAVA_LONG, event);
            link.call(WAIT_FOR_EVENTS, address -> (int) OpenClSignatures.WAIT.invokeExact(address, 1, events));
        } finally {
            forget(event);
        }
    }

    /** When a command of a queue with profiling started or ended: one of {@code CL_PROFILING_COMMAND_…}, in nanoseconds. */
    public long profilingInfo(long event, int what) {
        return info(GET_EVENT_PROFILING_INFO, event, what).integer();
    }

    /** Sends what was enqueued to the device. */
    public void flush(long queue) {
        link.callObject(FLUSH, queue);
    }

    /** Waits until all that was enqueued is done. */
    public void finish(long queue) {
        link.callObject(FINISH, queue);
    }
}
