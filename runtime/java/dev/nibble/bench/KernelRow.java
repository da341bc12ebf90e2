package dev.nibble.bench;

import dev.nibble.KernelTime;
import dev.nibble.ModelInfo;

/**
 * How fast one kernel of a model's step is.
 *
 * @param test the step: of a prompt, or of one token
 * @param model what ran
 * @param kernel the measurement
 * @param shareOfStep of the time of all kernels of the step, each alone
 * @param limits what the device reached at best in the same run
 */
record KernelRow(BenchTest test, ModelInfo model, KernelTime kernel, double shareOfStep, Limits limits) {
    private static final double GIGA = 1e9;
    private static final int OPERATIONS_PER_MULTIPLY_ADD = 2;

    /**
     * What a device reaches at best; NaN where there is no such measurement.
     *
     * @param bytesPerSecond of a streaming read
     * @param multiplyAddsPerSecond of a product of small matrices
     */
    record Limits(double bytesPerSecond, double multiplyAddsPerSecond) {
        static final Limits NONE = new Limits(Double.NaN, Double.NaN);
    }

    /** The device that it ran on, for reports. */
    String deviceLabel() {
        return model.deviceLabel(kernel.device());
    }

    /** Microseconds of one operation. */
    double microseconds() {
        return kernel.seconds() * 1e6;
    }

    /** Billions of bytes read and written per second. */
    double gigabytesPerSecond() {
        return kernel.bytes() / kernel.seconds() / GIGA;
    }

    /** Billions of operations per second in products, a multiply-add counting as two. */
    double gigaflopsPerSecond() {
        return OPERATIONS_PER_MULTIPLY_ADD * kernel.multiplyAdds() / kernel.seconds() / GIGA;
    }

    private double secondsToRead() {
        return kernel.bytes() / limits.bytesPerSecond();
    }

    private double secondsToMultiply() {
        return kernel.multiplyAdds() / limits.multiplyAddsPerSecond();
    }

    /** Whether memory holds it up at best, rather than products. */
    boolean reads() {
        return !(secondsToMultiply() > secondsToRead());
    }

    /** The unit of {@link #rate} and {@link #limitRate}. */
    String rateUnit() {
        return reads() ? "GB/s" : "GFLOP/s";
    }

    /** The rate that is compared with the limit. */
    double rate() {
        return reads() ? gigabytesPerSecond() : gigaflopsPerSecond();
    }

    /** The limit, in the unit of the rate. */
    double limitRate() {
        return reads()
                ? limits.bytesPerSecond() / GIGA
                : OPERATIONS_PER_MULTIPLY_ADD * limits.multiplyAddsPerSecond() / GIGA;
    }

    /** The share of the limit; above 1 where caches give more than memory. NaN if there is no limit. */
    double shareOfRoofline() {
        return rate() / limitRate();
    }
}
