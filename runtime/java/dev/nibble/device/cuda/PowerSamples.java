package dev.nibble.device.cuda;

import dev.nibble.device.EnergyMeter;
import java.util.OptionalLong;
import java.util.function.Supplier;

/** Adds up the power of a device that does not count its energy: a thread asks for it some times a second. */
final class PowerSamples implements EnergyMeter {
    private static final long PAUSE_MILLIS = 10;
    private static final double MILLI = 1e-3;
    private static final double NANO = 1e-9;

    private final Supplier<OptionalLong> milliwatts;
    private final Thread thread;
    private volatile boolean closed;

    private double watts;
    private long nanos;
    private double joules;

    PowerSamples(Supplier<OptionalLong> milliwatts) {
        this.milliwatts = milliwatts;
        this.watts = watts();
        this.nanos = System.nanoTime();
        this.thread = Thread.ofPlatform().daemon().name("nibble-power").start(this::run);
    }

    private void run() {
        try {
            while (!closed) {
                Thread.sleep(PAUSE_MILLIS);
                joules();
            }
        } catch (InterruptedException e) {
            // Closed.
        }
    }

    private double watts() {
        OptionalLong now = milliwatts.get();
        return now.isPresent() ? MILLI * now.getAsLong() : Double.NaN;
    }

    /** Between two samples, the power is taken to change evenly. */
    @Override
    public synchronized double joules() {
        double power = watts();
        long now = System.nanoTime();
        joules += (watts + power) / 2 * (now - nanos) * NANO;
        watts = power;
        nanos = now;
        return joules;
    }

    @Override
    public void close() {
        closed = true;
        thread.interrupt();
    }
}
