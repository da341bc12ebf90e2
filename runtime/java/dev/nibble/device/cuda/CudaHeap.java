package dev.nibble.device.cuda;

import dev.nibble.device.kernel.Allocation;
import dev.nibble.device.kernel.MemoryDriver;
import dev.nibble.foreign.CudaException;
import java.util.function.Supplier;

/** Memory of a CUDA device: the driver's allocations in its context. */
record CudaHeap(CudaDevice owner) implements MemoryDriver {
    @Override
    public String device() {
        return owner.name();
    }

    @Override
    public long largest() {
        return Long.MAX_VALUE;
    }

    @Override
    public long available() {
        return owner.supply(() -> owner.calls().memory().free());
    }

    @Override
    public long allocate(long bytes) {
        try {
            return owner.calls().memory().allocate(Math.max(1, bytes));
        } catch (CudaException e) {
            throw e.isOutOfMemory() ? new Exhausted(e) : e;
        }
    }

    @Override
    public void free(Allocation allocation) {
        owner.settle();
        if (!allocation.isBorrowed()) {
            owner.access().release(() -> owner.calls().memory().free(allocation.handle()));
        }
    }

    @Override
    public void locked(Runnable action) {
        owner.access().locked(action);
    }

    @Override
    public <T> T supply(Supplier<T> action) {
        return owner.supply(action);
    }
}
