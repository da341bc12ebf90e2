package dev.nibble.device.cuda;

import dev.nibble.device.MatmulPeak;
import dev.nibble.device.Roofline;
import dev.nibble.device.kernel.Allocation;
import java.util.ArrayList;
import java.util.List;

/** The limits of a CUDA device: a kernel that reads and does nothing else, in several shapes, and the device's own products. */
final class CudaRoofline implements Roofline {
    private static final long MOST_BYTES = 2L << 30;
    private static final long MOST_SIMULATED_BYTES = 8L << 20;
    private static final long PIECE = 2L << 20;
    private static final int THREADS = 256;
    private static final int WORD_BYTES = 16;
    private static final int[] BLOCKS_PER_MULTIPROCESSOR = {4, 8, 32};

    /** The best shape is the one that reads most in all rounds together, so that no lucky moment counts as the limit. */
    private static final int ROUNDS = 3;

    private static final double NANOS = 1e9;

    private final CudaDevice device;
    private final MatmulPeak products;
    private final Allocation data;
    private final Allocation sums;
    private final List<CudaStep> shapes = new ArrayList<>();

    CudaRoofline(CudaDevice device) {
        this.device = device;
        CudaTraits traits = device.traits();
        long most = traits.simulated() ? MOST_SIMULATED_BYTES : MOST_BYTES;
        int units = traits.multiprocessors();
        long bytes = Math.min(most, device.freeMemory() / 4) / PIECE * PIECE;
        this.data = device.memory().allocate(bytes, "the measurement of streaming reads");
        this.sums = device.memory()
                .allocate(
                        (long) units * BLOCKS_PER_MULTIPROCESSOR[2] * THREADS * WORD_BYTES,
                        "the measurement of streaming reads");
        this.products = new MatmulPeak(device);
        device.queue().fill(data, 1);
        for (int blocks : BLOCKS_PER_MULTIPROCESSOR) {
            shapes.add(shape(units * blocks));
        }
        readBytesPerSecond();
    }

    private CudaStep shape(int blocks) {
        CudaPlan plan = new CudaPlan(device);
        device.exclusively(() -> plan.kernel("measure", "read_all")
                .memory(data)
                .memory(sums)
                .wide(data.bytes() / WORD_BYTES)
                .groups(blocks, THREADS));
        return new CudaStep(device, plan.launches(), List.of(data, sums));
    }

    @Override
    public double readBytesPerSecond() {
        long[] nanos = new long[shapes.size()];
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < nanos.length; i++) {
                long start = System.nanoTime();
                device.queue().submit(shapes.get(i));
                device.queue().await();
                nanos[i] += System.nanoTime() - start;
            }
        }
        double best = 0;
        for (long time : nanos) {
            best = Math.max(best, NANOS * ROUNDS * data.bytes() / time);
        }
        return best;
    }

    @Override
    public double multiplyAddsPerSecond() {
        return products.multiplyAddsPerSecond();
    }

    @Override
    public void close() {
        products.close();
        data.close();
        sums.close();
    }
}
