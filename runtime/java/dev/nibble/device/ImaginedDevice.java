package dev.nibble.device;

import java.util.function.ToLongBiFunction;
import java.util.function.ToLongFunction;

/**
 * The memory of a device that is not here, for plans.
 *
 * @param name that options would select it by
 * @param memory all of its bytes
 * @param reservedBytes of them, what its driver keeps for itself
 * @param speed bytes per second at which such devices may be assumed to read weights
 * @param hasOneLayout as of a device
 * @param weights bytes of a weight for a use
 * @param staging bytes of a weight on its way
 * @param workspace bytes that steps of a form take beside their buffers
 */
public record ImaginedDevice(
        String name,
        long memory,
        long reservedBytes,
        double speed,
        boolean hasOneLayout,
        ToLongBiFunction<WeightShape, WeightUse> weights,
        ToLongFunction<WeightShape> staging,
        ToLongFunction<StepForm> workspace)
        implements MemoryModel {
    /** Another device with the same memory as one that there is. */
    public static ImaginedDevice like(MemoryModel device, String name) {
        long reserved = device.reservedBytes();
        return new ImaginedDevice(
                name,
                device.freeMemory() + reserved,
                reserved,
                0,
                device.hasOneLayout(),
                device::weightBytes,
                device::stagingBytes,
                device::workspaceBytes);
    }

    @Override
    public long freeMemory() {
        return Math.max(0, memory - reservedBytes);
    }

    @Override
    public long weightBytes(WeightShape shape, WeightUse use) {
        return weights.applyAsLong(shape, use);
    }

    @Override
    public long stagingBytes(WeightShape shape) {
        return staging.applyAsLong(shape);
    }

    @Override
    public long workspaceBytes(StepForm form) {
        return workspace.applyAsLong(form);
    }
}
