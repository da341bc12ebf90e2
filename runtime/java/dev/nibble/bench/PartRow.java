package dev.nibble.bench;

import dev.nibble.DeviceShare;
import dev.nibble.DeviceTime;

/**
 * What one of several devices did in a test, in a run by itself beside those that count.
 *
 * @param test what ran
 * @param share what the device has of the model
 * @param time what it did, by its own clock
 * @param seconds of the run
 * @param steps that it did
 * @param limits what it reaches at best
 */
record PartRow(BenchTest test, DeviceShare share, DeviceTime time, double seconds, int steps, KernelRow.Limits limits) {
    private static final double GIGA = 1e9;
    private static final double MICROS = 1e6;
    private static final int OPERATIONS_PER_MULTIPLY_ADD = 2;

    /** The share of the run in which it worked on steps. */
    double busyShare() {
        return time.stepSeconds() / seconds;
    }

    /** The share of the run in which it handed something on, or waited for what another device hands on. */
    double exchangeShare() {
        return time.exchangeSeconds() / seconds;
    }

    /** The bytes of its memory that it must read for one token, as {@link BenchRow#bytesPerToken} counts them. */
    double bytesPerToken() {
        double weights = share.weightBytes();
        return reads() ? weights + share.kvBytes() * test.meanContext() : weights * steps / test.tokens();
    }

    /** Bytes that it takes over from other devices for a token. */
    double copiedBytesPerToken() {
        return (double) time.copiedBytes() / test.tokens();
    }

    /** Microseconds that copies between devices that take turns take by themselves, for a token. */
    double copyMicroseconds() {
        return time.copySeconds() / test.tokens() * MICROS;
    }

    /** The same of exchanges between devices that have parts of the same layers. */
    double reduceMicroseconds() {
        return time.reduceSeconds() / test.tokens() * MICROS;
    }

    boolean reads() {
        return test.kind() == BenchTest.Kind.GENERATION;
    }

    /** The unit of {@link #rate} and {@link #limitRate}. */
    String rateUnit() {
        return reads() ? "GB/s" : "GFLOP/s";
    }

    /** What it reaches while it works on steps: billions of bytes, or of operations, per second. */
    double rate() {
        double work = reads() ? bytesPerToken() : (double) OPERATIONS_PER_MULTIPLY_ADD * share.multiplyAdds();
        return work * test.tokens() / time.stepSeconds() / GIGA;
    }

    /** The limit in the unit of the rate; NaN if there is none. */
    double limitRate() {
        return (reads() ? limits.bytesPerSecond() : OPERATIONS_PER_MULTIPLY_ADD * limits.multiplyAddsPerSecond())
                / GIGA;
    }

    /** The share of the limit that it reaches while it works on steps; NaN if there is no limit. */
    double shareOfRoofline() {
        return rate() / limitRate();
    }
}
