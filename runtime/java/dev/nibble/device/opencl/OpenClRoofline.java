package dev.nibble.device.opencl;

import dev.nibble.device.MatmulPeak;
import dev.nibble.device.Roofline;
import dev.nibble.device.kernel.Allocation;
import java.util.ArrayList;
import java.util.List;

/** The limits of an OpenCL device: a kernel that reads and does nothing else, in several shapes, and the device's own products. */
final class OpenClRoofline implements Roofline {
    private static final long MOST_BYTES = 512L << 20;
    private static final long PIECE = 2L << 20;
    private static final int LANES = 256;
    private static final int WORD_BYTES = 64;
    private static final int[] STREAMS = {1, 2, 4, 8};
    private static final int[] GROUPS_PER_UNIT = {4, 16, 64};

    /** The best shape is the one that reads most in all rounds together, so that no lucky moment counts as the limit. */
    private static final int ROUNDS = 3;

    private static final double NANOS = 1e9;

    private final OpenClDevice device;
    private final MatmulPeak products;
    private final Allocation data;
    private final Allocation sums;
    private final List<OpenClStep> shapes = new ArrayList<>();

    OpenClRoofline(OpenClDevice device) {
        this.device = device;
        DeviceTraits traits = device.traits();
        long most = Math.min(MOST_BYTES, Math.min(traits.largestAllocation(), device.freeMemory() / 4));
        long units = traits.computeUnits();
        int lanes = traits.isCpu() ? 1 : Math.min(LANES, traits.mostWorkItems());
        this.data = device.memory().allocate(most / PIECE * PIECE, "the measurement of streaming reads");
        this.sums = device.memory()
                .allocate(units * GROUPS_PER_UNIT[2] * lanes * WORD_BYTES, "the measurement of streaming reads");
        this.products = new MatmulPeak(device);
        device.queue().fill(data, 1);
        if (lanes == 1) {
            for (int streams : STREAMS) {
                shapes.add(shape(lanes, streams, units));
            }
        } else {
            for (int groups : GROUPS_PER_UNIT) {
                shapes.add(shape(lanes, 1, units * groups));
            }
        }
        readBytesPerSecond();
    }

    private OpenClStep shape(int lanes, int streams, long groups) {
        OpenClPlan plan = new OpenClPlan(device);
        int wordBytes = lanes == 1 ? WORD_BYTES : WORD_BYTES / 4;
        plan.kernel("measure", "-DLANES=" + lanes + " -DSTREAMS=" + streams, "read_all")
                .memory(data)
                .memory(sums)
                .wide(data.bytes() / wordBytes)
                .groups(groups, lanes);
        return device.step(plan, List.of(data, sums));
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
