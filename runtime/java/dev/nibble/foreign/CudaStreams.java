package dev.nibble.foreign;

import static dev.nibble.foreign.CudaFunction.*;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Streams, on which a device works in order, and events, which mark a place in a stream. Stream 0 is the context's default one. */
public final class CudaStreams {
    /** A flag of a stream: it does not wait for the default stream, nor that for it. */
    public static final int NON_BLOCKING = 1;

    /** A flag of an event: a thread that waits for it sleeps. */
    public static final int EVENT_BLOCKING_SYNC = 1;

    /** A flag of an event: it keeps no time, which makes it cheaper. */
    public static final int EVENT_DISABLE_TIMING = 2;

    private final CudaLink link;

    CudaStreams(CudaLink link) {
        this.link = link;
    }

    /** Makes a stream in the current context. */
    public long create(int flags) {
        return link.queryLong(STREAM_CREATE, (address, value) ->
                (int) CudaSignatures.RESULT_OF_INT.invokeExact(address, value, flags));
    }

    /** Destroys a stream; what was enqueued is still done. */
    public void destroy(long stream) {
        link.callObject(STREAM_DESTROY, stream);
    }

    /** Waits for all that was enqueued. */
    public void synchronize(long stream) {
        link.callObject(STREAM_SYNCHRONIZE, stream);
    }

    /** Whether all that was enqueued is done. */
    public boolean isDone(long stream) {
        return link.isReady(STREAM_QUERY, stream);
    }

    /** Lets what is enqueued from now on begin after an event, of any stream of any device. */
    public void waitEvent(long stream, long event) {
        link.call(STREAM_WAIT_EVENT, address ->
                (int) CudaSignatures.TWO_OBJECTS_INT.invokeExact(address, stream, event, 0));
    }

    /** The context of a stream. */
    public long context(long stream) {
        return link.queryLong(STREAM_GET_CTX, (address, value) ->
                (int) CudaSignatures.OBJECT_RESULT.invokeExact(address, stream, value));
    }

    /** Makes an event in the current context. */
    public long createEvent(int flags) {
        return link.queryLong(EVENT_CREATE, (address, value) ->
                (int) CudaSignatures.RESULT_OF_INT.invokeExact(address, value, flags));
    }

    /** Destroys an event; who waits for it still does. */
    public void destroyEvent(long event) {
        link.callObject(EVENT_DESTROY, event);
    }

    /** Marks the place after all that was enqueued. */
    public void record(long event, long stream) {
        link.call(EVENT_RECORD, address -> (int) CudaSignatures.TWO_OBJECTS.invokeExact(address, event, stream));
    }

    /** Waits until the device comes to an event. An event that was never recorded is behind us. */
    public void synchronizeEvent(long event) {
        link.callObject(EVENT_SYNCHRONIZE, event);
    }

    /** Whether the device came to an event. */
    public boolean isEventDone(long event) {
        return link.isReady(EVENT_QUERY, event);
    }

    /** The time between two events that are done, in milliseconds. */
    public float elapsed(long start, long end) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(JAVA_FLOAT);
            link.call(
                    EVENT_ELAPSED_TIME, address -> (int) CudaSignatures.ELAPSED.invokeExact(address, time, start, end));
            return time.get(JAVA_FLOAT, 0);
        }
    }
}
