package dev.nibble.device;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalDouble;

/**
 * A device's stream of work. What is enqueued runs in order; only {@link #read} waits for the device, and
 * {@link #receive} may wait for the one that it copies from. A queue is used by one
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

    /** Does several {@link #write}s, which may cost less than each by itself. */
    default void write(List<HostCopy> copies) {
        for (int i = 0; i < copies.size(); i++) {
            HostCopy copy = copies.get(i);
            write(copy.buffer(), copy.element(), copy.memory());
        }
    }

    /** Enqueues a step that this device prepared. */
    void submit(Step step);

    /**
     * Runs a step when all that was enqueued before is done, and waits for it.
     *
     * @return the seconds that the device worked on it, by its own clock; empty if it has none
     */
    default OptionalDouble time(Step step) {
        return OptionalDouble.empty();
    }

    /**
     * Asks for {@link #mark}s, or says that there will be no more; waits for all that was enqueued. Some devices keep no time otherwise,
     * because it costs some.
     */
    default void keepTime(boolean wanted) {}

    /** Marks the place behind all that was enqueued. The device keeps its time only between calls of {@link #keepTime}. */
    default Mark mark() {
        return HostMark.now();
    }

    /**
     * Waits for all that was enqueued, then copies a buffer of F32 or I32 to host memory.
     *
     * @param source the buffer
     * @param element the first element of the buffer to read
     * @param target a multiple of 4 bytes
     */
    void read(Buffer source, long element, MemorySegment target);

    /** Does several {@link #read}s, waiting once where the device can. */
    default void read(List<HostCopy> copies) {
        for (int i = 0; i < copies.size(); i++) {
            HostCopy copy = copies.get(i);
            read(copy.buffer(), copy.element(), copy.memory());
        }
    }

    /**
     * Whether the device works on what is enqueued while the caller goes on, so that it pays to enqueue a step before the results of the
     * one before it are known.
     */
    default boolean runsAhead() {
        return false;
    }

    /**
     * Enqueues a copy of the first elements of a buffer of F32 or I32 to host memory, for which {@link Fetch#await} waits, but not for what
     * is enqueued after it. Of two that were not awaited yet, another makes the queue wait for the older one.
     *
     * @param source the buffer
     * @param target a multiple of 4 bytes, not to be used until the copy was awaited
     */
    default Fetch fetch(Buffer source, MemorySegment target) {
        read(source, 0, target);
        return () -> {};
    }

    /** A copy to host memory that was enqueued. */
    interface Fetch {
        /** Waits for the copy; awaiting it again does nothing. */
        void await();
    }

    /**
     * Enqueues a copy of one row of a buffer to the first row of another of this device. This one waits for the device; a device
     * with memory of its own need not.
     *
     * @param source a buffer of F32 or I32
     * @param row the row to copy
     * @param target a buffer of the same type and width
     */
    default void copyRow(Buffer source, int row, Buffer target) {
        checkReceive(target, source, 1);
        MemorySegment host = MemorySegment.ofArray(new int[source.width()]);
        read(source, (long) row * source.width(), host);
        write(target, 0, host);
    }

    /**
     * Enqueues a copy of the first rows of another device's buffer. It begins when all that was enqueued here and there is done,
     * and what is enqueued here or there afterwards begins when the copy is done. This one goes through host memory and waits
     * for the other device; a device that reaches the memory of the other need not wait.
     *
     * @param target a buffer of this device
     * @param other the queue of another device, used by the same thread
     * @param source a buffer of the other device, of the same type, F32 or I32, and width
     * @param rows rows to copy, at least 1
     */
    default void receive(Buffer target, Queue other, Buffer source, int rows) {
        checkReceive(target, source, rows);
        MemorySegment host = MemorySegment.ofArray(new int[Math.multiplyExact(rows, source.width())]);
        other.read(source, 0, host);
        write(target, 0, host);
    }

    /**
     * Checks the arguments of {@link #receive}.
     *
     * @throws IllegalArgumentException if rows of the source cannot become rows of the target
     */
    static void checkReceive(Buffer target, Buffer source, int rows) {
        boolean words = source.type() != ElementType.Q8 && source.type() == target.type();
        if (!words || source.width() != target.width() || rows < 1 || rows > Math.min(source.rows(), target.rows())) {
            throw new IllegalArgumentException(
                    rows + " rows of a buffer of " + source.type() + " (" + source.rows() + ", " + source.width()
                            + ") cannot be copied to one of " + target.type() + " (" + target.rows() + ", "
                            + target.width() + ")");
        }
    }
}
