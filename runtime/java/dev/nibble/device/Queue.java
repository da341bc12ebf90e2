package dev.nibble.device;

import java.lang.foreign.MemorySegment;

/**
 * A device's stream of work. What is enqueued runs in order; only {@link #read} waits for the device. A queue is used by one
 * thread at a time.
 */
public interface Queue {
    /**
     * Copies host memory into a buffer of F32 or I32. The source may be changed as soon as the call returns.
     *
     * @param target the buffer
     * @param element the first element of the buffer to write
     * @param source a multiple of 4 bytes
     */
    void write(Buffer target, long element, MemorySegment source);

    /** Enqueues a step that this device prepared. */
    void submit(Step step);

    /**
     * Waits for all that was enqueued, then copies a buffer of F32 or I32 to host memory.
     *
     * @param source the buffer
     * @param element the first element of the buffer to read
     * @param target a multiple of 4 bytes
     */
    void read(Buffer source, long element, MemorySegment target);
}
