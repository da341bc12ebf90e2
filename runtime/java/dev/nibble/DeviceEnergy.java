package dev.nibble;

import dev.nibble.device.Devices;
import dev.nibble.device.EnergyMeter;
import dev.nibble.device.Resources;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What devices consume, as their driver tells: all of it, whoever uses them. */
public final class DeviceEnergy implements AutoCloseable {
    private final Resources resources = new Resources();
    private final List<EnergyMeter> meters = new ArrayList<>();

    private DeviceEnergy() {}

    /**
     * Begins to measure.
     *
     * @param devices names, with commas between several, as {@link ModelInfo#device} has them
     * @return empty if one of them does not tell what it consumes
     */
    public static Optional<DeviceEnergy> open(String devices) {
        DeviceEnergy energy = new DeviceEnergy();
        for (String name : Arrays.stream(devices.split(",")).distinct().toList()) {
            Optional<EnergyMeter> meter = Devices.openEnergyMeter(name);
            if (meter.isEmpty()) {
                energy.close();
                return Optional.empty();
            }
            energy.meters.add(energy.resources.own(meter.get()));
        }
        return Optional.of(energy);
    }

    /** Joules of all devices together since some moment before: differences count. NaN if one of them tells no more. */
    public double joules() {
        return meters.stream().mapToDouble(EnergyMeter::joules).sum();
    }

    /** Ends the measurement. */
    @Override
    public void close() {
        resources.close();
    }
}
