package dev.nibble.device.cpu;

import dev.nibble.device.Arithmetic;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.DeviceProvider;
import dev.nibble.device.ImaginedDevice;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Finds the processor. This class alone of its package can be used without the module of the Vector API. */
public final class CpuDeviceProvider implements DeviceProvider {
    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final int PREFERENCE = 100;

    /** What the system and the virtual machine need beside a model. */
    private static final long SYSTEM_BYTES = 1L << 30;

    /** Bytes per second of two channels of memory. */
    private static final double ASSUMED_SPEED = 5e10;

    /** Made by {@link java.util.ServiceLoader}. */
    public CpuDeviceProvider() {}

    @Override
    public String kind() {
        return "cpu";
    }

    @Override
    public int preference() {
        return PREFERENCE;
    }

    @Override
    public Optional<String> unavailable() {
        return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent()
                ? Optional.empty()
                : Optional.of("start Java with --add-modules " + VECTOR_MODULE);
    }

    @Override
    public Optional<String> substitute() {
        return Optional.of("reference");
    }

    @Override
    public List<String> devices() {
        return unavailable().isPresent() ? List.of() : List.of(Processor.name());
    }

    @Override
    public Set<Arithmetic> arithmetics() {
        return Set.of(Arithmetic.BLOCK_INT8, Arithmetic.FIXED_POINT);
    }

    @Override
    public Device open(int index, DeviceOptions options) {
        return new CpuDevice(options);
    }

    @Override
    public ImaginedDevice imagine(int index, long memory) {
        return new ImaginedDevice(
                kind(),
                memory,
                SYSTEM_BYTES,
                ASSUMED_SPEED,
                false,
                (shape, use) -> CpuDevice.weightBytes(shape, use, false),
                shape -> 0,
                form -> 0);
    }
}
