package dev.nibble.device.opencl;

/** A piece of device memory: one buffer of OpenCL. */
final class OpenClAllocation implements AutoCloseable {
    private final OpenClMemory memory;
    private final long handle;
    private final long bytes;
    private volatile boolean closed;

    OpenClAllocation(OpenClMemory memory, long handle, long bytes) {
        this.memory = memory;
        this.handle = handle;
        this.bytes = bytes;
    }

    /** The memory that this is a part of. */
    OpenClMemory memory() {
        return memory;
    }

    /** The buffer. */
    long handle() {
        return handle;
    }

    /** The memory of the device that it takes; 0 for what is borrowed. */
    long bytes() {
        return bytes;
    }

    boolean isClosed() {
        return closed;
    }

    /** Frees the memory once the commands that use it are done; closing again does nothing. */
    @Override
    public void close() {
        memory.device().locked(() -> {
            if (!closed) {
                closed = true;
                memory.forget(this);
                memory.device().release(memory.device().calls()::releaseBuffer, handle);
            }
        });
    }
}
