package dev.nibble.device.cpu;

import dev.nibble.device.MatmulPeak;
import dev.nibble.device.Roofline;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The limits of the CPU with the device's own threads. Reading is tried in all patterns that were seen to win somewhere: one
 * range per thread, 2 MiB pieces in turn, several streams per thread; each on large and on normal pages.
 */
final class CpuRoofline implements Roofline {
    /** Many times what the last-level cache of a processor holds for its cores. */
    private static final long BYTES = 512L << 20;

    private static final long PIECE = 2L << 20;
    /** The best pattern is the one that reads most in all rounds together, so that no lucky moment counts as the limit. */
    private static final int ROUNDS = 3;

    private static final int[] STREAMS = {1, 2, 4, 8};
    private static final double NANOS = 1e9;

    private final WorkerPool pool;
    private final MatmulPeak products;
    private final NativeMemory large;
    private final Arena normalArena = Arena.ofShared();
    private final MemorySegment normal;
    private final List<ReadPattern> patterns = new ArrayList<>();
    private boolean closed;

    CpuRoofline(CpuDevice device) {
        this.pool = device.pool();
        this.products = new MatmulPeak(device);
        this.large = NativeMemory.allocate(BYTES, "the measurement of streaming reads", true, freed -> {});
        this.normal = normalArena.allocate(BYTES, Long.BYTES);
        fill();
        for (MemorySegment memory : List.of(large.segment(), normal)) {
            for (int streams : STREAMS) {
                patterns.add(new ReadPattern(memory, pool.threads(), streams, memory.byteSize()));
            }
            patterns.add(new ReadPattern(memory, pool.threads(), 1, PIECE));
        }
        readBytesPerSecond();
        readBytesPerSecond();
    }

    /** Pages exist only once they were written, each by the thread that will read it. */
    private void fill() {
        long share = BYTES / pool.threads();
        pool.run(
                (begin, end, thread) -> {
                    for (int part = begin; part < end; part++) {
                        large.segment().asSlice(part * share, share).fill((byte) 1);
                        normal.asSlice(part * share, share).fill((byte) 1);
                    }
                },
                pool.threads());
    }

    @Override
    public double readBytesPerSecond() {
        long[] nanos = new long[patterns.size()];
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < nanos.length; i++) {
                long start = System.nanoTime();
                pool.run(patterns.get(i), pool.threads());
                nanos[i] += System.nanoTime() - start;
            }
        }
        double best = 0;
        for (int i = 0; i < nanos.length; i++) {
            best = Math.max(best, NANOS * ROUNDS * patterns.get(i).bytes() / nanos[i]);
        }
        return best;
    }

    @Override
    public double multiplyAddsPerSecond() {
        return products.multiplyAddsPerSecond();
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            products.close();
            large.close();
            normalArena.close();
        }
    }
}
