package dev.nibble.device;

import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

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
    private static final int MOST_READINGS = 64;

    /** What takes longer is not repeated so often. */
    private static final long LONG_NANOS = 20_000_000;

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
        try (Reading reading = new Reading(device, bytes)) {
            return together(List.of(reading));
        }
    }

    /** The bytes per second that each device reaches by itself, whether they differ or not, and how far they hold up each other. */
    static Measured measure(List<? extends Device> devices) {
        try (Resources all = new Resources()) {
            List<Reading> readings = new ArrayList<>();
            List<Double> times = new ArrayList<>();
            for (Device device : devices) {
                Reading reading = all.own(new Reading(device, FEW_BYTES));
                double seconds = together(List.of(reading));
                if (seconds <= SLOW_SECONDS && device.freeMemory() >= 4 * MANY_BYTES) {
                    reading = all.own(new Reading(device, MANY_BYTES));
                    seconds = together(List.of(reading));
                }
                readings.add(reading);
                times.add(seconds);
            }
            List<Double> speeds = IntStream.range(0, times.size())
                    .mapToObj(i -> readings.get(i).bytes / times.get(i))
                    .toList();
            return new Measured(speeds, contention(readings, times));
        }
    }

    /** Faster devices read several times, so that all have about as much to do. */
    private static double contention(List<Reading> readings, List<Double> times) {
        double slowest = times.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        List<Reading> all = new ArrayList<>();
        double longest = 0;
        double sum = 0;
        for (int i = 0; i < times.size(); i++) {
            int count = Math.clamp(Math.round(slowest / times.get(i)), 1, MOST_READINGS);
            all.addAll(Collections.nCopies(count, readings.get(i)));
            longest = Math.max(longest, count * times.get(i));
            sum += count * times.get(i);
        }
        return times.size() == 1 ? 0 : Math.clamp((together(all) - longest) / (sum - longest), 0, 1);
    }

    /**
     * Speeds of several devices.
     *
     * @param bytesPerSecond of each by itself
     * @param contention how far they hold up each other when all read: 0 not at all, 1 as if they took turns
     */
    record Measured(List<Double> bytesPerSecond, double contention) {}

    /** The least time in which all of these are done. */
    private static double together(List<Reading> readings) {
        long best = Long.MAX_VALUE;
        long begin = System.nanoTime();
        for (int run = 0; run <= RUNS && (run < 2 || System.nanoTime() - begin < LONG_NANOS); run++) {
            long start = System.nanoTime();
            readings.forEach(Reading::start);
            readings.forEach(Reading::await);
            best = Math.min(best, System.nanoTime() - start);
        }
        return Math.max(1, best) / NANOS;
    }

    /** The product of one row and a matrix of zeros, prepared on a device. */
    private static final class Reading implements AutoCloseable {
        private final Resources all = new Resources();
        private final Device device;
        private final long bytes;
        private final Step step;
        private final Buffer out;

        Reading(Device device, long bytes) {
            this.device = device;
            this.bytes = bytes;
            try {
                int rows = Math.toIntExact(bytes / TensorType.Q8_0.rowBytes(COLUMNS));
                this.out = all.own(device.allocate(ElementType.F32, 1, rows));
                this.step = prepare(new WeightShape("measurement", TensorType.Q8_0, 1, rows, COLUMNS));
            } catch (RuntimeException | Error e) {
                all.closeAfter(e);
                throw e;
            }
        }

        private Step prepare(WeightShape shape) {
            Weight weight = all.own(device.load(new Zeros(shape), WeightUse.MATRIX));
            Buffer live = all.own(device.allocate(ElementType.I32, 1, 1));
            Buffer x = all.own(device.allocate(ElementType.F32, 1, COLUMNS));
            Buffer quantized = all.own(device.allocate(ElementType.Q8, 1, COLUMNS));
            device.queue().write(live, 0, MemorySegment.ofArray(new int[] {1}));
            device.queue().write(x, 0, MemorySegment.ofArray(new float[COLUMNS]));
            RowCount count = new RowCount(live, 1);
            return all.own(device.prepare(List.of(
                    new Operation.Quantize(count, x, quantized),
                    new Operation.Matmul(count, x, quantized, List.of(new Operation.Product(weight, null, out))))));
        }

        void start() {
            device.queue().submit(step);
        }

        void await() {
            device.queue().read(out, 0, MemorySegment.ofArray(new float[1]));
        }

        @Override
        public void close() {
            all.close();
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
