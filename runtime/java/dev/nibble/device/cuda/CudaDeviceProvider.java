package dev.nibble.device.cuda;

import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.DeviceProvider;
import dev.nibble.device.EnergyMeter;
import dev.nibble.device.ImaginedDevice;
import java.util.List;
import java.util.Optional;

/** Finds the GPUs of NVIDIA's driver. */
public final class CudaDeviceProvider implements DeviceProvider {
    private static final int PREFERENCE = 10;

    /** What a driver takes for a context and the programs in it: 0.3 to 0.6 GB. */
    private static final long CONTEXT_BYTES = 600L << 20;

    /** Bytes per second that a GPU in the middle of those that are in use reads. */
    private static final double ASSUMED_SPEED = 1e12;

    private final CudaPlatform platform;

    /** Made by {@link java.util.ServiceLoader}. */
    public CudaDeviceProvider() {
        this(CudaPlatform.system());
    }

    CudaDeviceProvider(CudaPlatform platform) {
        this.platform = platform;
    }

    @Override
    public String kind() {
        return "cuda";
    }

    /** A simulated device is for tests; a first device that cannot be used is no reason to take another one unasked. */
    @Override
    public int preference() {
        return platform.devices().stream()
                        .findFirst()
                        .filter(device -> !device.simulated())
                        .filter(device -> device.refusal().isEmpty())
                        .isPresent()
                ? PREFERENCE
                : -1;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.of(platform.missing()).filter(reason -> !reason.isEmpty());
    }

    @Override
    public List<String> devices() {
        return platform.devices().stream()
                .map(device -> device.describe()
                        + device.refusal().map(reason -> "; refused: " + reason).orElse(""))
                .toList();
    }

    @Override
    public Device open(int index, DeviceOptions options) {
        return CudaDevice.open(platform, index);
    }

    @Override
    public Optional<EnergyMeter> openEnergyMeter(int index) {
        return EnergyCounter.open(platform.devices().get(index));
    }

    @Override
    public ImaginedDevice imagine(int index, long memory) {
        CudaTraits traits = CudaTraits.imagined(index, memory);
        return new ImaginedDevice(
                traits.device(),
                memory,
                CONTEXT_BYTES,
                ASSUMED_SPEED,
                true,
                (shape, use) -> CudaWeight.bytes(shape, traits.device()),
                WeightStaging::bytes,
                form -> CudaWorkspace.bytes(traits, form));
    }
}
