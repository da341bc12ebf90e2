package dev.nibble.bench;

import dev.nibble.DeviceEnergy;
import dev.nibble.DeviceShare;
import dev.nibble.DeviceTime;
import dev.nibble.LanguageModel;
import dev.nibble.TokenSession;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/** Measures one model: warms up, then takes turns between the model and the device's limit. */
final class BenchRun {
    private static final long WARM_UP_NANOS = 2_000_000_000L;
    private static final long ENERGY_NANOS = 3_000_000_000L;
    private static final double NANOS = 1e9;

    private final LanguageModel model;
    private final Optional<BenchLimits> limits;
    private final int repetitions;
    private final Random random = new Random(1);

    BenchRun(LanguageModel model, Optional<BenchLimits> limits, int repetitions) {
        this.model = model;
        this.limits = limits;
        this.repetitions = repetitions;
    }

    /** Measures one test. */
    BenchRow measure(BenchTest test) {
        List<Double> speeds = new ArrayList<>();
        List<Double> limit = new ArrayList<>();
        double joules;
        List<PartRow> parts;
        try (TokenSession session = model.session()) {
            session.feed(tokens(test.depth()));
            long start = System.nanoTime();
            do {
                seconds(session, test);
            } while (System.nanoTime() - start < WARM_UP_NANOS);
            model.warmUp();
            limits.ifPresent(devices -> limit.add(devices.measure(test)));
            for (int i = 0; i < repetitions; i++) {
                speeds.add(test.tokens() / seconds(session, test));
                limits.ifPresent(devices -> limit.add(devices.measure(test)));
            }
            joules = joulesPerToken(session, test);
            parts = parts(session, test);
        }
        return new BenchRow(
                test, model.info(), new BenchRow.Samples(speeds), new BenchRow.Samples(limit), joules, parts);
    }

    /** The marks by which devices tell what they do cost some time: this is one more run, whose speed does not count. */
    private List<PartRow> parts(TokenSession session, BenchTest test) {
        List<DeviceShare> shares = model.shares();
        if (shares.size() < 2) {
            return List.of();
        }
        double[] seconds = new double[1];
        List<DeviceTime> times = model.deviceTimes(() -> seconds[0] = seconds(session, test));
        Map<String, KernelRow.Limits> reached = limits.map(BenchLimits::measure).orElse(Map.of());
        int steps = Math.ceilDiv(test.tokens(), model.info().batch());
        return IntStream.range(0, shares.size())
                .mapToObj(i -> new PartRow(
                        test,
                        shares.get(i),
                        times.get(i),
                        seconds[0],
                        steps,
                        reached.getOrDefault(shares.get(i).device(), KernelRow.Limits.NONE)))
                .toList();
    }

    /** Counters of energy move some times a second: many tests together are one measurement. */
    private double joulesPerToken(TokenSession session, BenchTest test) {
        Optional<DeviceEnergy> energy = DeviceEnergy.open(model.info().device());
        if (energy.isEmpty()) {
            return Double.NaN;
        }
        try (DeviceEnergy meter = energy.get()) {
            long tokens = 0;
            double before = meter.joules();
            long start = System.nanoTime();
            do {
                seconds(session, test);
                tokens += test.tokens();
            } while (System.nanoTime() - start < ENERGY_NANOS);
            return (meter.joules() - before) / tokens;
        }
    }

    private double seconds(TokenSession session, BenchTest test) {
        int[] tokens = tokens(test.tokens());
        long start = System.nanoTime();
        if (test.kind() == BenchTest.Kind.PROMPT) {
            session.feed(tokens);
        } else {
            session.replay(tokens);
        }
        double seconds = (System.nanoTime() - start) / NANOS;
        session.truncate(test.depth());
        return seconds;
    }

    private int[] tokens(int count) {
        return random.ints(count, 0, model.info().vocabulary()).toArray();
    }
}
