package dev.nibble.device.opencl;

import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.DeviceProvider;
import dev.nibble.device.ImaginedDevice;
import java.util.List;
import java.util.Optional;

/** Finds the devices of the OpenCL drivers that are installed. */
public final class OpenClDeviceProvider implements DeviceProvider {
    /** What a driver takes for a context and the programs in it, more or less. */
    private static final long CONTEXT_BYTES = 512L << 20;

    /** Bytes per second that a GPU in the middle of those that are in use reads. */
    private static final double ASSUMED_SPEED = 1e12;

    /** Made by {@link java.util.ServiceLoader}. */
    public OpenClDeviceProvider() {}

    @Override
    public String kind() {
        return "opencl";
    }

    @Override
    public int preference() {
        return -1;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.of(OpenClPlatforms.system().missing()).filter(reason -> !reason.isEmpty());
    }

    @Override
    public List<String> devices() {
        return OpenClPlatforms.system().devices().stream()
                .map(device -> device.describe(device.features()))
                .toList();
    }

    @Override
    public Device open(int index, DeviceOptions options) {
        return OpenClDevice.open(OpenClPlatforms.system(), index);
    }

    @Override
    public ImaginedDevice imagine(int index, long memory) {
        String name = kind() + ":" + index;
        DeviceTraits traits = DeviceTraits.imagined(memory);
        return new ImaginedDevice(
                name,
                memory,
                CONTEXT_BYTES,
                ASSUMED_SPEED,
                true,
                (shape, use) -> OpenClWeight.bytes(shape, WeightLayout.require(shape, name)),
                shape -> 0,
                form -> Workspace.bytes(traits, form));
    }
}
