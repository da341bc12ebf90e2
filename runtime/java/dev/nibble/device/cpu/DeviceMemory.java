package dev.nibble.device.cpu;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * All native memory that a device gave out, so that closing the device frees it.
 *
 * <p>With huge pages from the beginning, a start with 0.7 GB of weights took a second longer. Kernels of the Vector API need longer to
 * warm up, and profit more; native ones begin on small pages: see {@link HugePages}.
 */
final class DeviceMemory implements AutoCloseable {
    private final boolean hugePages;
    private final Set<NativeMemory> pieces = ConcurrentHashMap.newKeySet();

    /** @param hugePages ask for 2 MiB pages */
    DeviceMemory(boolean hugePages) {
        this.hugePages = hugePages;
    }

    /**
     * Allocates zeroed memory.
     *
     * @param what the purpose, for the message
     * @throws dev.nibble.OutOfCapacityException if there is not enough
     */
    NativeMemory allocate(long bytes, String what) {
        NativeMemory memory = NativeMemory.allocate(bytes, what, hugePages, pieces::remove);
        pieces.add(memory);
        return memory;
    }

    /** Frees all that was not freed before. */
    @Override
    public void close() {
        pieces.forEach(NativeMemory::close);
    }
}
