package dev.nibble.device.cpu;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** All native memory that a device gave out, so that closing the device frees it. */
final class DeviceMemory implements AutoCloseable {
    private final Set<NativeMemory> pieces = ConcurrentHashMap.newKeySet();

    /**
     * Allocates zeroed memory; on 2 MiB pages where it is large and the system allows it.
     *
     * @param what the purpose, for the message
     * @throws dev.nibble.OutOfCapacityException if there is not enough
     */
    NativeMemory allocate(long bytes, String what) {
        NativeMemory memory = NativeMemory.allocate(bytes, what, pieces::remove);
        pieces.add(memory);
        return memory;
    }

    /** Frees all that was not freed before. */
    @Override
    public void close() {
        pieces.forEach(NativeMemory::close);
    }
}
