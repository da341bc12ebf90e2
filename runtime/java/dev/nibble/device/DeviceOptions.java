package dev.nibble.device;

/**
 * How a device is opened.
 *
 * @param threads worker threads of a device that runs on the CPU; 0: one per available processor
 * @param arithmetic how it computes linear layers; {@link DeviceProvider#arithmetics} tells which a kind of device offers
 */
public record DeviceOptions(int threads, Arithmetic arithmetic) {
    /** One thread per processor, int8 activations. */
    public static final DeviceOptions DEFAULT = new DeviceOptions(0, Arithmetic.BLOCK_INT8);

    /** Checks the number of threads. */
    public DeviceOptions {
        if (threads < 0) {
            throw new IllegalArgumentException("threads must be 1 or more, or 0 for all processors; given " + threads);
        }
    }

    /** Blocks of int8, or {@link Arithmetic#EXACT} activations. */
    public DeviceOptions(int threads, boolean exactActivations) {
        this(threads, exactActivations ? Arithmetic.EXACT : Arithmetic.BLOCK_INT8);
    }

    /** The number of threads to start: as asked for, or one per available processor. */
    public int effectiveThreads() {
        return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    }
}
