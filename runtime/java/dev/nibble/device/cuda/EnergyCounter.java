package dev.nibble.device.cuda;

import dev.nibble.device.EnergyMeter;
import dev.nibble.foreign.Nvml;
import java.util.Optional;

/** The energy of a device that counts it, or that of its power over time. */
record EnergyCounter(Nvml nvml, long device) implements EnergyMeter {
    private static final double MILLI = 1e-3;

    /** The best that the driver offers for a device; empty if nothing. */
    static Optional<EnergyMeter> open(CudaTraits device) {
        Optional<Nvml> library = Nvml.system();
        if (library.isEmpty() || library.get().device(device.bus()).isEmpty()) {
            return Optional.empty();
        }
        Nvml nvml = library.get();
        long handle = nvml.device(device.bus()).getAsLong();
        if (nvml.millijoules(handle).isPresent()) {
            return Optional.of(new EnergyCounter(nvml, handle));
        }
        return nvml.milliwatts(handle).isPresent()
                ? Optional.of(new PowerSamples(() -> nvml.milliwatts(handle)))
                : Optional.empty();
    }

    @Override
    public double joules() {
        var millijoules = nvml.millijoules(device);
        return millijoules.isPresent() ? MILLI * millijoules.getAsLong() : Double.NaN;
    }

    @Override
    public void close() {}
}
