package dev.nibble.bench;

import dev.nibble.DeviceEnergy;
import dev.nibble.LanguageModel;
import dev.nibble.TokenSession;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

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
        }
        return new BenchRow(test, model.info(), new BenchRow.Samples(speeds), new BenchRow.Samples(limit), joules);
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
