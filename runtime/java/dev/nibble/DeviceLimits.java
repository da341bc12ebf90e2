package dev.nibble;

import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.Roofline;
import java.util.Optional;

/**
 * What a device can reach at best, measured on the spot with threads of its own, by which the speed of a model on that device
 * is judged. Machines drift: measure close to what is judged.
 */
public final class DeviceLimits implements AutoCloseable {
    private final Device device;
    private final Roofline roofline;

    private DeviceLimits(Device device, Roofline roofline) {
        this.device = device;
        this.roofline = roofline;
    }

    /**
     * Prepares the measurement; takes about a second, and half a gigabyte or more of memory until {@link #close}.
     *
     * @param device the name of the device, as {@link ModelInfo#device} has it
     * @param threads threads of a device that runs on the CPU; 0: one per processor
     * @return empty if the device has no such measurement, as the reference device, or if several devices are named
     * @throws UnsupportedFeatureException if there is no such device here
     */
    public static Optional<DeviceLimits> open(String device, int threads) {
        if (device.contains(",")) {
            return Optional.empty();
        }
        Device opened = Devices.open(device, new DeviceOptions(threads, false));
        Optional<DeviceLimits> limits = Optional.empty();
        try {
            limits = opened.openRoofline().map(roofline -> new DeviceLimits(opened, roofline));
        } finally {
            if (limits.isEmpty()) {
                opened.close();
            }
        }
        return limits;
    }

    /** Bytes per second that a streaming read reaches now. */
    public double readBytesPerSecond() {
        return roofline.readBytesPerSecond();
    }

    /** Multiply-adds per second that a product of small quantized matrices reaches now. */
    public double multiplyAddsPerSecond() {
        return roofline.multiplyAddsPerSecond();
    }

    /** Frees the memory and the device. */
    @Override
    public void close() {
        roofline.close();
        device.close();
    }
}
