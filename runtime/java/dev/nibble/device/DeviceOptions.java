package dev.nibble.device;

/**
 * How a device is opened.
 *
 * @param threads worker threads of a device that runs on the CPU; 0: one per available processor
 * @param exactActivations keep activations in float32 against integer-quantized weights (the reference device only)
 */
public record DeviceOptions(int threads, boolean exactActivations) {
    /** One thread per processor, int8 activations. */
    public static final DeviceOptions DEFAULT = new DeviceOptions(0, false);

    /** Checks the number of threads. */
    public DeviceOptions {
        if (threads < 0) {
            throw new IllegalArgumentException("threads must be 1 or more, or 0 for all processors; given " + threads);
        }
    }

    /** The number of threads to start: as asked for, or one per available processor. */
    public int effectiveThreads() {
        return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    }
}
