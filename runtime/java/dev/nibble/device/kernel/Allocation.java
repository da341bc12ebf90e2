package dev.nibble.device.kernel;

import java.util.List;

/** A piece of device memory: one object of the driver. */
public final class Allocation implements AutoCloseable {
    private final Memory memory;
    private final long handle;
    private final long bytes;
    private final boolean borrowed;
    private volatile boolean closed;

    Allocation(Memory memory, long handle, long bytes, boolean borrowed) {
        this.memory = memory;
        this.handle = handle;
        this.bytes = bytes;
        this.borrowed = borrowed;
    }

    /** Checks that none of these is closed. */
    public static void checkOpen(List<Allocation> allocations) {
        for (int i = 0; i < allocations.size(); i++) {
            if (allocations.get(i).isClosed()) {
                throw new IllegalStateException("a buffer, weight or cache that the step uses is closed");
            }
        }
    }

    /** The memory that this is a part of. */
    Memory memory() {
        return memory;
    }

    /** What the driver knows it by: an object or an address. */
    public long handle() {
        return handle;
    }

    /** The memory of the device that it takes; 0 for what is borrowed. */
    public long bytes() {
        return bytes;
    }

    /** Whether an application owns it. */
    public boolean isBorrowed() {
        return borrowed;
    }

    /** Whether it was freed. */
    public boolean isClosed() {
        return closed;
    }

    /** Frees the memory once the commands that use it are done; closing again does nothing. */
    @Override
    public void close() {
        memory.driver().locked(() -> {
            if (!closed) {
                closed = true;
                memory.forget(this);
            }
        });
    }
}
