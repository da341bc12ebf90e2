package dev.nibble.device;

import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How fast devices read weights when they generate tokens, roughly and soon: the product of one row and a matrix, timed. For the shares of
 * devices that differ; {@link Roofline} measures limits with care.
 */
public final class ReadSpeed {
    /** What a slow device reads in a moment; a fast one keeps it in its caches. */
    private static final long FEW_BYTES = 1L << 20;

    /** More than caches hold. */
    private static final long MANY_BYTES = 128L << 20;

    /** Devices that take longer for the few bytes are not asked to read many. */
    private static final double SLOW_SECONDS = 0.002;

    private static final int COLUMNS = 4096;
    private static final int RUNS = 4;
    private static final double NANOS = 1e9;

    /** Steps per factor of two that results are rounded to, so that they are the same each time. */
    private static final double STEPS = 4;

    private ReadSpeed() {}

    /**
     * The bytes per second of each device, rounded; empty if they are all of the same hardware, which needs no measurement. Devices
     * without room for it count as the slowest.
     */
    public static List<Double> of(List<? extends Device> devices) {
        Map<String, Double> speeds = new HashMap<>();
        if (devices.stream().map(Device::hardware).distinct().count() == 1) {
            return List.of();
        }
        return devices.stream()
                .map(device -> speeds.computeIfAbsent(device.hardware(), hardware -> rounded(measure(device))))
                .toList();
    }

    private static double rounded(double speed) {
        return Math.pow(2, Math.round(Math.log(speed) / Math.log(2) * STEPS) / STEPS);
    }

    private static double measure(Device device) {
        double few = seconds(device, FEW_BYTES);
        if (few > SLOW_SECONDS || device.freeMemory() < 4 * MANY_BYTES) {
            return FEW_BYTES / few;
        }
        return MANY_BYTES / seconds(device, MANY_BYTES);
    }

    private static double seconds(Device device, long bytes) {
        long rowBytes = TensorType.Q8_0.rowBytes(COLUMNS);
        int rows = Math.toIntExact(bytes / rowBytes);
        WeightShape shape = new WeightShape("measurement", TensorType.Q8_0, 1, rows, COLUMNS);
        try (Resources all = new Resources()) {
            Weight weight = all.own(device.load(new Zeros(shape), WeightUse.MATRIX));
            Buffer live = all.own(device.allocate(ElementType.I32, 1, 1));
            Buffer x = all.own(device.allocate(ElementType.F32, 1, COLUMNS));
            Buffer quantized = all.own(device.allocate(ElementType.Q8, 1, COLUMNS));
            Buffer out = all.own(device.allocate(ElementType.F32, 1, rows));
            Queue queue = device.queue();
            queue.write(live, 0, MemorySegment.ofArray(new int[] {1}));
            queue.write(x, 0, MemorySegment.ofArray(new float[COLUMNS]));
            RowCount count = new RowCount(live, 1);
            Step step = all.own(device.prepare(List.of(
                    new Operation.Quantize(count, x, quantized),
                    new Operation.Matmul(count, x, quantized, List.of(new Operation.Product(weight, null, out))))));
            long best = Long.MAX_VALUE;
            for (int run = 0; run <= RUNS; run++) {
                long start = System.nanoTime();
                queue.submit(step);
                queue.read(out, 0, MemorySegment.ofArray(new float[1]));
                best = Math.min(best, System.nanoTime() - start);
            }
            return Math.max(1, best) / NANOS;
        }
    }

    /** A matrix of zeros. */
    private record Zeros(WeightShape shape) implements WeightSource {
        @Override
        public MemorySegment rows(long firstRow, int count) {
            return MemorySegment.ofArray(new byte[Math.toIntExact(count * shape.rowBytes())]);
        }
    }
}
