package dev.nibble.device.opencl;

import dev.nibble.OutOfCapacityException;
import dev.nibble.foreign.OpenClException;
import dev.nibble.foreign.OpenClInfo;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** The memory of a device: what was allocated of it, and how much is left. */
final class OpenClMemory {
    private final OpenClDevice device;
    private final long capacity;
    private final AtomicLong used = new AtomicLong();
    private final Set<OpenClAllocation> allocations = ConcurrentHashMap.newKeySet();

    /** @param capacity the most bytes that may be allocated together */
    OpenClMemory(OpenClDevice device, long capacity) {
        this.device = device;
        this.capacity = capacity;
    }

    OpenClDevice device() {
        return device;
    }

    /** The most bytes that one allocation can have. */
    long largest() {
        return device.traits().largestAllocation();
    }

    /** Bytes that can still be allocated. */
    long free() {
        return Math.max(0, capacity - used.get());
    }

    /**
     * Allocates memory; its content is undefined.
     *
     * @param what the purpose, for the message
     * @throws OutOfCapacityException if there is not enough
     */
    OpenClAllocation allocate(long bytes, String what) {
        if (bytes > largest()) {
            throw new OutOfCapacityException(what + " needs " + bytes + " bytes, and device " + device.name()
                    + " can allocate at most " + largest() + " in one piece");
        }
        if (used.addAndGet(bytes) > capacity) {
            used.addAndGet(-bytes);
            throw new OutOfCapacityException(outOfMemory(bytes, what));
        }
        try {
            OpenClAllocation allocation = new OpenClAllocation(this, device.createBuffer(bytes), bytes);
            allocations.add(allocation);
            return allocation;
        } catch (OpenClException e) {
            used.addAndGet(-bytes);
            throw e.isOutOfMemory() ? new OutOfCapacityException(outOfMemory(bytes, what) + ": " + e.getMessage()) : e;
        }
    }

    private String outOfMemory(long bytes, String what) {
        return what + " needs " + bytes + " bytes, and device " + device.name() + " has " + free() + " of " + capacity
                + " left; choose a smaller model, context or batch, or split it over more devices";
    }

    /** An allocation was freed. */
    void forget(OpenClAllocation allocation) {
        if (allocations.remove(allocation)) {
            used.addAndGet(-allocation.bytes());
        }
    }

    /** Frees all that was not freed before. */
    void close() {
        allocations.forEach(OpenClAllocation::close);
    }

    /** The flags of buffers that kernels read and write. */
    static long flags() {
        return OpenClInfo.MEM_READ_WRITE;
    }
}
