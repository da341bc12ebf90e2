package dev.nibble.device.cuda;

import dev.nibble.device.Roofline;
import dev.nibble.device.kernel.Allocation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The limits of a CUDA device: a kernel that reads and does nothing else, in several shapes, and one that multiplies int8 (on tensor
 * cores, from compute capability 8.0 on) and does nothing else.
 */
final class CudaRoofline implements Roofline {
    private static final long MOST_BYTES = 2L << 30;
    private static final long MOST_SIMULATED_BYTES = 8L << 20;
    private static final long PIECE = 2L << 20;
    private static final int THREADS = 256;
    private static final int WORD_BYTES = 16;
    private static final int[] BLOCKS_PER_MULTIPROCESSOR = {4, 8, 32};

    /** The best shape is the one that reads most in all rounds together, so that no lucky moment counts as the limit. */
    private static final int ROUNDS = 3;

    private static final int PRODUCT_ROUNDS = 4096;
    private static final int SIMULATED_PRODUCT_ROUNDS = 2;
    private static final int WARP = 32;

    /** Of a warp in a round: 8 products of a (16, 32) and a (32, 8) matrix. */
    private static final double MULTIPLY_ADDS = 8 * 16 * 32 * 8;

    private final CudaDevice device;
    private final CudaStep products;
    private final double multiplyAdds;
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
        device.queue().fill(data, 1);
        for (int blocks : BLOCKS_PER_MULTIPROCESSOR) {
            shapes.add(shape(units * blocks));
        }
        int rounds = traits.simulated() ? SIMULATED_PRODUCT_ROUNDS : PRODUCT_ROUNDS;
        int blocks = units * BLOCKS_PER_MULTIPROCESSOR[1];
        this.multiplyAdds = MULTIPLY_ADDS * rounds * blocks * (THREADS / WARP);
        this.products = products(blocks, rounds);
        readBytesPerSecond();
        multiplyAddsPerSecond();
    }

    private CudaStep products(int blocks, int rounds) {
        CudaPlan plan = new CudaPlan(device);
        device.exclusively(() -> plan.kernel("measure", "multiply_all")
                .integer(1)
                .integer(rounds)
                .memory(sums)
                .groups(blocks, THREADS));
        return new CudaStep(device, plan.launches(), List.of(sums));
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
        double[] seconds = new double[shapes.size()];
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < seconds.length; i++) {
                seconds[i] += device.queue().time(shapes.get(i)).orElseThrow();
            }
        }
        return ROUNDS * data.bytes() / Arrays.stream(seconds).min().orElseThrow();
    }

    @Override
    public double multiplyAddsPerSecond() {
        double seconds = 0;
        for (int round = 0; round < ROUNDS; round++) {
            seconds += device.queue().time(products).orElseThrow();
        }
        return ROUNDS * multiplyAdds / seconds;
    }

    @Override
    public void close() {
        data.close();
        sums.close();
    }
}
