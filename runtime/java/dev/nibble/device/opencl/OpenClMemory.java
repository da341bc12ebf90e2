package dev.nibble.device.opencl;

import dev.nibble.OutOfCapacityException;
import dev.nibble.foreign.OpenClException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The memory of a device: what was allocated of it, and how much is left. Changed by the thread that holds the device's lock. */
final class OpenClMemory {
    private final OpenClDevice device;
    private final long capacity;
    private final Set<OpenClAllocation> allocations = new HashSet<>();
    private volatile long used;

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
        return Math.max(0, capacity - used);
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
        return device.supply(() -> {
            if (bytes > free()) {
                throw new OutOfCapacityException(outOfMemory(bytes, what));
            }
            try {
                OpenClAllocation allocation = keep(new OpenClAllocation(this, device.createBuffer(bytes), bytes));
                used += bytes;
                return allocation;
            } catch (OpenClException e) {
                if (e.isOutOfMemory()) {
                    throw new OutOfCapacityException(outOfMemory(bytes, what) + ": " + e.getMessage());
                }
                throw e;
            }
        });
    }

    /** Takes a buffer that an application owns; it does not count as used. */
    OpenClAllocation borrow(long handle) {
        return keep(new OpenClAllocation(this, handle, 0));
    }

    private OpenClAllocation keep(OpenClAllocation allocation) {
        allocations.add(allocation);
        return allocation;
    }

    private String outOfMemory(long bytes, String what) {
        return what + " needs " + bytes + " bytes, and device " + device.name() + " has " + free() + " of " + capacity
                + " left; choose a smaller model, context or batch, or split it over more devices";
    }

    /** An allocation was freed. */
    void forget(OpenClAllocation allocation) {
        if (allocations.remove(allocation)) {
            used -= allocation.bytes();
        }
    }

    /** Frees all that was not freed before. */
    void close() {
        List.copyOf(allocations).forEach(OpenClAllocation::close);
    }
}
