package dev.nibble.device.cpu;

import dev.nibble.foreign.PosixMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Memory for weights, one after the other in large slabs, so that small weights and the ends of large ones lie on 2 MiB pages too.
 * What a slab has left over is never touched and takes no memory. A slab is freed with its last weight.
 */
final class WeightMemory {
    private static final long SLAB = 64L << 20;
    private static final long ALIGNMENT = 64;

    /** What is moved at a time, in about 50 milliseconds: so long does closing wait. */
    private static final long PIECE = 16L << 20;

    private final DeviceMemory memory;
    private final List<Slab> slabs = new ArrayList<>();
    private @Nullable Slab current;

    WeightMemory(DeviceMemory memory) {
        this.memory = memory;
    }

    private static final class Slab {
        private final NativeMemory memory;
        private long used;
        private int parts;

        Slab(NativeMemory memory) {
            this.memory = memory;
        }
    }

    /** The memory of one weight. */
    final class Part implements AutoCloseable {
        private final Slab slab;
        private final MemorySegment segment;
        private boolean closed;

        private Part(Slab slab, MemorySegment segment) {
            this.slab = slab;
            this.segment = segment;
        }

        MemorySegment segment() {
            return segment;
        }

        @Override
        public void close() {
            synchronized (WeightMemory.this) {
                if (!closed) {
                    closed = true;
                    release(slab);
                }
            }
        }
    }

    /**
     * Allocates memory that starts on a cache line; zeroed.
     *
     * @param what the purpose, for the message
     * @throws dev.nibble.OutOfCapacityException if there is not enough
     */
    synchronized Part allocate(long bytes, String what) {
        long size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        Slab slab = current;
        if (slab == null || size > slab.memory.bytes() - slab.used) {
            slab = new Slab(memory.allocate(Math.max(size, SLAB), what));
            current = slab;
            slabs.add(slab);
        }
        MemorySegment segment = slab.memory.segment().asSlice(slab.used, bytes);
        slab.used += size;
        slab.parts++;
        return new Part(slab, segment);
    }

    /**
     * Moves the weights to huge pages, piece by piece, until all are moved, or one cannot be.
     *
     * @param rest how many times as long as moving a piece took to pause after it, so that others have the processor
     * @return the bytes moved
     * @throws InterruptedException if the thread is interrupted
     */
    long collapse(int rest) throws InterruptedException {
        long moved = 0;
        for (Slab slab : slabs()) {
            for (long from = 0; slab.used - from >= PosixMemory.HUGE_PAGE; from += PIECE) {
                long size = Math.min(PIECE, slab.used - from);
                long begin = System.nanoTime();
                if (!slab.memory.collapse(from, size)) {
                    return moved;
                }
                moved += size;
                TimeUnit.NANOSECONDS.sleep(rest * (System.nanoTime() - begin));
            }
        }
        return moved;
    }

    private synchronized List<Slab> slabs() {
        return List.copyOf(slabs);
    }

    private void release(Slab slab) {
        slab.parts--;
        if (slab.parts == 0) {
            slab.memory.close();
            slabs.remove(slab);
            if (current == slab) {
                current = null;
            }
        }
    }
}
