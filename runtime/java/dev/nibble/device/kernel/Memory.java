package dev.nibble.device.kernel;

import dev.nibble.OutOfCapacityException;
import dev.nibble.device.Operation;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The memory of a device: what was allocated of it, and how much is left. Changed by the thread that holds the device's lock. */
public final class Memory {
    private final MemoryDriver driver;
    private final long capacity;
    private final Set<Allocation> allocations = new HashSet<>();
    private volatile long used;

    /** @param capacity the most bytes that may be allocated together */
    public Memory(MemoryDriver driver, long capacity) {
        this.driver = driver;
        this.capacity = capacity;
    }

    MemoryDriver driver() {
        return driver;
    }

    /** The most bytes that one allocation can have. */
    public long largest() {
        return driver.largest();
    }

    /** Bytes that can still be allocated. */
    public long free() {
        return Math.max(0, Math.min(capacity - used, driver.available()));
    }

    /**
     * Allocates memory; its content is undefined.
     *
     * @param what the purpose, for the message
     * @throws OutOfCapacityException if there is not enough
     */
    public Allocation allocate(long bytes, String what) {
        if (bytes > largest()) {
            throw new OutOfCapacityException(what + " needs " + bytes + " bytes, and device " + driver.device()
                    + " can allocate at most " + largest() + " in one piece");
        }
        return driver.supply(() -> {
            if (bytes > capacity - used) {
                throw new OutOfCapacityException(outOfMemory(bytes, what));
            }
            try {
                Allocation allocation = keep(new Allocation(this, driver.allocate(bytes), bytes, false));
                used += bytes;
                return allocation;
            } catch (MemoryDriver.Exhausted e) {
                throw new OutOfCapacityException(outOfMemory(bytes, what) + ": " + e.getMessage());
            }
        });
    }

    /** Takes memory that an application owns; it does not count as used. */
    public Allocation borrow(long handle) {
        return keep(new Allocation(this, handle, 0, true));
    }

    private Allocation keep(Allocation allocation) {
        allocations.add(allocation);
        return allocation;
    }

    private String outOfMemory(long bytes, String what) {
        return what + " needs " + bytes + " bytes, and device " + driver.device() + " has " + free() + " of " + capacity
                + " left; choose a smaller model, context or batch, or split it over more devices";
    }

    /** Whether a buffer, weight or cache lies in this memory. */
    public boolean owns(KernelPart part) {
        return part.allocations().getFirst().memory() == this;
    }

    /**
     * All memory that operations use.
     *
     * @throws IllegalArgumentException if some of it is another device's
     */
    public List<Allocation> of(List<Operation> operations) {
        List<Allocation> all = new ArrayList<>();
        for (Operation operation : operations) {
            for (AutoCloseable part : operation.parts()) {
                if (!(part instanceof KernelPart own) || !owns(own)) {
                    throw new IllegalArgumentException("a " + part.getClass().getSimpleName() + " of another device was"
                            + " given to device " + driver.device() + ", in "
                            + operation.getClass().getSimpleName());
                }
                all.addAll(own.allocations());
            }
        }
        return all.stream().distinct().toList();
    }

    /** An allocation was closed. */
    void forget(Allocation allocation) {
        if (allocations.remove(allocation)) {
            used -= allocation.bytes();
        }
        driver.free(allocation);
    }

    /** Frees all that was not freed before. */
    public void close() {
        List.copyOf(allocations).forEach(Allocation::close);
    }
}
