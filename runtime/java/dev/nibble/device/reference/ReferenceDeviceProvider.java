package dev.nibble.device.reference;

import dev.nibble.device.Arithmetic;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.DeviceProvider;
import dev.nibble.device.ImaginedDevice;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Opens {@link ReferenceDevice}s: there is always one, and it is used only when named. */
public final class ReferenceDeviceProvider implements DeviceProvider {
    /** Made by the service loader. */
    public ReferenceDeviceProvider() {}

    @Override
    public String kind() {
        return ReferenceDevice.NAME;
    }

    @Override
    public int preference() {
        return -1;
    }

    @Override
    public Optional<String> unavailable() {
        return Optional.empty();
    }

    @Override
    public List<String> devices() {
        return List.of("scalar Java, the oracle of the other devices");
    }

    @Override
    public Set<Arithmetic> arithmetics() {
        return Set.of(Arithmetic.values());
    }

    @Override
    public Device open(int index, DeviceOptions options) {
        if (index != 0) {
            throw new IllegalArgumentException("there is one reference device, of index 0; asked for " + index);
        }
        return new ReferenceDevice(options);
    }

    @Override
    public ImaginedDevice imagine(int index, long memory) {
        return new ImaginedDevice(kind(), memory, 0, 5e8, false, (shape, use) -> shape.bytes(), shape -> 0, form -> 0);
    }
}
