package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * One way in which threads read a piece of memory as fast as they can. Memory is cut into pieces, pieces go round the threads
 * in turn, and a thread reads each of its pieces in several streams at once.
 */
final class ReadPattern implements WorkerPool.Task {
    private static final int UNROLL = 4;
    private static final long STRIDE = (long) UNROLL * Lanes.BYTES;

    private final MemorySegment memory;
    private final int threads;
    private final int streams;
    private final long piece;
    private final int[] sums;

    /** @param piece bytes of a piece, at most; pieces larger than a thread's share are cut to it */
    ReadPattern(MemorySegment memory, int threads, int streams, long piece) {
        this.memory = memory;
        this.threads = threads;
        this.streams = streams;
        long share = memory.byteSize() / threads;
        this.piece = Math.min(piece, share) / (streams * STRIDE) * (streams * STRIDE);
        this.sums = new int[threads * 16];
    }

    /** The bytes that all threads read together. */
    long bytes() {
        return pieces() * piece;
    }

    private long pieces() {
        return memory.byteSize() / piece;
    }

    @Override
    public void run(int begin, int end, int thread) {
        int sum = 0;
        for (int part = begin; part < end; part++) {
            for (long i = part; i < pieces(); i += threads) {
                sum += read(memory, i * piece, piece / streams, streams);
            }
        }
        // Kept, so that no compiler can leave the reading out.
        sums[thread * 16] += sum;
    }

    /** Reads {@code streams} runs of {@code bytes} bytes that follow one another, a few vectors of each in turn. */
    private static int read(MemorySegment memory, long from, long bytes, int streams) {
        IntVector a = IntVector.zero(Lanes.INTS);
        IntVector b = a;
        IntVector c = a;
        IntVector d = a;
        for (long at = 0; at < bytes; at += STRIDE) {
            for (int stream = 0; stream < streams; stream++) {
                long here = from + stream * bytes + at;
                a = a.add(vector(memory, here));
                b = b.add(vector(memory, here + Lanes.BYTES));
                c = c.add(vector(memory, here + 2L * Lanes.BYTES));
                d = d.add(vector(memory, here + 3L * Lanes.BYTES));
            }
        }
        return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
    }

    private static IntVector vector(MemorySegment memory, long at) {
        return IntVector.fromMemorySegment(Lanes.INTS, memory, at, Lanes.ORDER);
    }
}
