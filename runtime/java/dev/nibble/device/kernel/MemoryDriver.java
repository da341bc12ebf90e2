package dev.nibble.device.kernel;

import java.util.function.Supplier;

/** Where the memory of a device comes from. */
public interface MemoryDriver {
    /** The name of the device. */
    String device();

    /** The most bytes that one allocation can have. */
    long largest();

    /** Bytes that the driver can still give, as far as it tells; all there could be where it does not tell. */
    long available();

    /**
     * Allocates memory.
     *
     * @throws Exhausted if there is none left
     */
    long allocate(long bytes);

    /** Frees memory, or lets go of memory that was borrowed, once the commands that use it are done. */
    void free(Allocation allocation);

    /** Does something while no other thread uses the device. */
    void locked(Runnable action);

    /** Does something while no other thread uses the device, which must be open. */
    <T> T supply(Supplier<T> action);

    /** The driver has no memory left for what was asked. */
    final class Exhausted extends RuntimeException {
        private static final long serialVersionUID = 1L;

        /** @param failure what the driver said */
        public Exhausted(RuntimeException failure) {
            super(failure.getMessage(), failure);
        }
    }
}
