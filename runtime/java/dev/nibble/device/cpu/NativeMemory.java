package dev.nibble.device.cpu;

import dev.nibble.OutOfCapacityException;
import dev.nibble.foreign.PosixMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A piece of memory outside the Java heap. Starts on a cache line; zeroed. */
final class NativeMemory implements AutoCloseable {
    private static final long ALIGNMENT = 64;

    private final Arena arena;
    private final MemorySegment segment;
    private final long bytes;
    private final Consumer<NativeMemory> onClose;
    private boolean closed;

    private NativeMemory(Arena arena, MemorySegment segment, long bytes, Consumer<NativeMemory> onClose) {
        this.arena = arena;
        this.segment = segment;
        this.bytes = bytes;
        this.onClose = onClose;
    }

    /**
     * Allocates memory.
     *
     * @param what the purpose, for the message
     * @param hugePages ask for 2 MiB pages if it is large
     * @param onClose is told once that the memory was freed
     * @throws OutOfCapacityException if there is not enough
     */
    static NativeMemory allocate(long bytes, String what, boolean hugePages, Consumer<NativeMemory> onClose) {
        Arena arena = Arena.ofShared();
        @Nullable MemorySegment segment = null;
        try {
            segment = segment(bytes, hugePages, arena);
            return new NativeMemory(arena, segment, bytes, onClose);
        } catch (OutOfMemoryError e) {
            throw new OutOfCapacityException(
                    what + " needs " + bytes + " bytes outside the Java heap, and the system has "
                            + "not so many; close other programs or choose a smaller model, context or batch");
        } finally {
            if (segment == null) {
                arena.close();
            }
        }
    }

    private static MemorySegment segment(long bytes, boolean hugePages, Arena arena) {
        return bytes >= PosixMemory.HUGE_PAGE && PosixMemory.isAvailable()
                ? PosixMemory.map(bytes, hugePages, arena)
                : arena.allocate(Math.max(1, bytes), ALIGNMENT);
    }

    MemorySegment segment() {
        return segment;
    }

    long bytes() {
        return bytes;
    }

    /**
     * Moves the whole huge pages of a part to such: see {@link PosixMemory#collapse}.
     *
     * @param from the first byte of the part, a multiple of 2 MiB
     * @return false if that is not possible, or the memory was freed
     */
    synchronized boolean collapse(long from, long size) {
        long whole = size / PosixMemory.HUGE_PAGE * PosixMemory.HUGE_PAGE;
        return !closed && PosixMemory.isAvailable() && PosixMemory.collapse(segment.asSlice(from, whole));
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            arena.close();
            onClose.accept(this);
        }
    }
}
