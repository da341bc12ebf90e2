package dev.nibble.device.cuda;

import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.DeviceProvider;
import java.util.List;
import java.util.Optional;

/** Finds the GPUs of NVIDIA's driver. */
public final class CudaDeviceProvider implements DeviceProvider {
    private static final int PREFERENCE = 10;

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
}
