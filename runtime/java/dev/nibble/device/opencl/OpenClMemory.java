package dev.nibble.device.opencl;

import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.MemoryDriver;
import dev.nibble.foreign.OpenClException;
import java.util.function.Supplier;

/** Memory of an OpenCL device: buffers of its context. */
record OpenClMemory(OpenClDevice owner) implements MemoryDriver {
    @Override
    public String device() {
        return owner.name();
    }

    @Override
    public long largest() {
        return owner.traits().largestAllocation();
    }

    /** OpenCL does not tell. */
    @Override
    public long available() {
        return Long.MAX_VALUE;
    }

    @Override
    public long allocate(long bytes) {
        try {
            return owner.createBuffer(bytes);
        } catch (OpenClException e) {
            throw e.isOutOfMemory() ? new Exhausted(e) : e;
        }
    }

    @Override
    public void free(Allocation allocation) {
        owner.release(owner.calls()::releaseBuffer, allocation.handle());
    }

    @Override
    public void locked(Runnable action) {
        owner.locked(action);
    }

    @Override
    public <T> T supply(Supplier<T> action) {
        return owner.supply(action);
    }
}
