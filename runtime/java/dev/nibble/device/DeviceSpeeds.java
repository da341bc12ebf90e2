package dev.nibble.device;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How fast several devices do what a token takes, roughly and soon: by which a way to share a model is chosen.
 *
 * @param bytesPerSecond that each device reads by itself
 * @param contention how far devices hold up each other when all read: 0 not at all, 1 as if they took turns, which they do where they share
 *     a processor or its memory
 * @param copySeconds in which a device has a row from the one before it
 * @param reduceSeconds in which each device has a row from each other one, added up as well where devices do that on their own
 */
public record DeviceSpeeds(List<Double> bytesPerSecond, double contention, double copySeconds, double reduceSeconds) {
    private static final int ROUNDS = 16;
    private static final double NANOS = 1e9;

    /** What is known in this process, by the devices and the width of a row. */
    private static final Map<String, DeviceSpeeds> MEASURED = new ConcurrentHashMap<>();

    /** Keeps its own list. */
    public DeviceSpeeds {
        bytesPerSecond = List.copyOf(bytesPerSecond);
    }

    /**
     * Measures devices, or finds what was measured in this process before.
     *
     * @param width floats of the rows that they give each other
     */
    public static DeviceSpeeds of(List<? extends Device> devices, int width) {
        String key = devices.stream()
                        .map(device -> device.name() + " " + device.hardware())
                        .collect(Collectors.joining(", ", "", " "))
                + width;
        DeviceSpeeds known = MEASURED.get(key);
        if (known == null) {
            known = measure(devices, width);
            MEASURED.put(key, known);
        }
        return known;
    }

    /** Measures devices: some milliseconds of work for each. */
    static DeviceSpeeds measure(List<? extends Device> devices, int width) {
        ReadSpeed.Measured read = ReadSpeed.measure(devices);
        // Those that compute with threads of this program take turns, whatever a busy machine lets them measure.
        double contention = devices.stream().allMatch(device -> device.threads() > 0) ? 1 : read.contention();
        try (Resources all = new Resources()) {
            List<Buffer> rows = new ArrayList<>();
            for (Device device : devices) {
                rows.add(all.own(zeros(device, width)));
            }
            List<Buffer> others = new ArrayList<>();
            for (Device device : devices) {
                others.add(all.own(zeros(device, width)));
            }
            Copies copies = new Copies(devices, rows, others);
            return new DeviceSpeeds(
                    read.bytesPerSecond(),
                    contention,
                    copies.copySeconds(),
                    turnSeconds(devices, width).orElseGet(copies::reduceSeconds));
        }
    }

    /** What a turn of an exchange takes; empty where these devices open none. */
    private static OptionalDouble turnSeconds(List<? extends Device> devices, int width) {
        try (Resources all = new Resources()) {
            List<List<Buffer>> buffers = new ArrayList<>();
            for (Device device : devices) {
                buffers.add(Stream.generate(() -> all.own(device.allocate(ElementType.F32, 1, width)))
                        .limit(Exchange.BUFFERS + 2)
                        .toList());
            }
            List<Exchange> places = devices.getFirst()
                    .openExchanges(
                            devices,
                            buffers.stream()
                                    .map(own -> own.subList(0, Exchange.BUFFERS))
                                    .toList());
            if (places.isEmpty()) {
                return OptionalDouble.empty();
            }
            places.forEach(all::own);
            for (int i = 0; i < devices.size(); i++) {
                Device device = devices.get(i);
                buffers.get(i).forEach(row -> clear(device, row));
            }
            List<Turns> turns = new ArrayList<>();
            for (int i = 0; i < devices.size(); i++) {
                turns.add(Turns.prepare(devices.get(i), places.get(i), buffers.get(i), all));
            }
            // Without rows nobody waits for another: what is left to load is loaded.
            turns.forEach(own -> own.run(0).run(0).await());
            turns.forEach(own -> own.run(1));
            turns.forEach(Turns::await);
            long start = System.nanoTime();
            turns.forEach(own -> own.run(1));
            turns.forEach(Turns::await);
            return OptionalDouble.of((System.nanoTime() - start) / NANOS / ROUNDS);
        }
    }

    /** Turns of an exchange on one device. */
    private record Turns(Device device, Buffer live, Step step) {
        /** @param buffers those of the exchange, the first the residual stream, then weight and result of the norm */
        static Turns prepare(Device device, Exchange exchange, List<Buffer> buffers, Resources all) {
            Buffer live = all.own(device.allocate(ElementType.I32, 1, 1));
            List<Operation> operations = new ArrayList<>();
            for (int turn = 0; turn < ROUNDS; turn++) {
                operations.add(new SumNorm(
                        new RowCount(live, 1),
                        NormKind.RMS,
                        1,
                        exchange,
                        turn,
                        buffers.getFirst(),
                        buffers.get(Exchange.BUFFERS),
                        null,
                        buffers.getLast()));
            }
            return new Turns(device, live, all.own(device.prepare(operations)));
        }

        Turns run(int rows) {
            device.queue().write(live, 0, MemorySegment.ofArray(new int[] {rows}));
            device.queue().submit(step);
            return this;
        }

        void await() {
            device.queue().read(live, 0, MemorySegment.ofArray(new int[1]));
        }
    }

    private static Buffer zeros(Device device, int width) {
        Buffer row = device.allocate(ElementType.F32, 1, width);
        clear(device, row);
        return row;
    }

    /** To be awaited before the row is closed: a device may write later. */
    private static void clear(Device device, Buffer row) {
        device.queue().write(row, 0, MemorySegment.ofArray(new float[row.width()]));
    }

    /** Copies of a row between devices that have nothing else to do. */
    private record Copies(List<? extends Device> devices, List<Buffer> own, List<Buffer> others) {
        double copySeconds() {
            return seconds(() -> receive(1, 0));
        }

        double reduceSeconds() {
            return seconds(() -> {
                for (int to = 0; to < devices.size(); to++) {
                    for (int from = 0; from < devices.size(); from++) {
                        if (from != to) {
                            receive(to, from);
                        }
                    }
                }
            });
        }

        private void receive(int to, int from) {
            devices.get(to).queue().receive(others.get(to), devices.get(from).queue(), own.get(from), 1);
        }

        private double seconds(Runnable round) {
            round.run();
            await();
            long start = System.nanoTime();
            for (int i = 0; i < ROUNDS; i++) {
                round.run();
            }
            await();
            return (System.nanoTime() - start) / NANOS / ROUNDS;
        }

        private void await() {
            for (int i = 0; i < devices.size(); i++) {
                devices.get(i).queue().read(others.get(i), 0, MemorySegment.ofArray(new float[1]));
            }
        }
    }
}
