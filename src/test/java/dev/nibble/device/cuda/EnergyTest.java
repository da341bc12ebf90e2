package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.DeviceEnergy;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.simulator.NeedsCudaSimulator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What CUDA devices consume. The simulated ones consume what is asked for: the first one so much, the second one twice as much. */
@ExtendWith(NeedsCudaSimulator.class)
class EnergyTest {
    private static final double NANO = 1e-9;

    private final CudaSimulator simulator = new CudaSimulator();

    @AfterEach
    void switchOff() {
        simulator.setPower(0, true);
    }

    @ParameterizedTest
    @CsvSource({"cuda:0, true, 250", "cuda:1, true, 500", "'cuda:0,cuda:1,cuda:0', true, 750", "cuda:1, false, 500"})
    void joulesAreWattsTimesSeconds(String devices, boolean counts, double watts) throws Exception {
        simulator.setPower(250_000, counts);
        try (DeviceEnergy energy = DeviceEnergy.open(devices).orElseThrow()) {
            long earliest = System.nanoTime();
            double before = energy.joules();
            long start = System.nanoTime();
            Thread.sleep(60);
            long end = System.nanoTime();
            double joules = energy.joules() - before;
            long latest = System.nanoTime();
            double rounding = 0.003;
            assertTrue(joules >= watts * (end - start) * NANO - rounding, joules + " J");
            assertTrue(joules <= watts * (latest - earliest) * NANO + rounding, joules + " J");
        }
    }

    @Test
    void whereOneDeviceDoesNotTellThereIsNoSum() {
        assertFalse(DeviceEnergy.open("cuda:0").isPresent());
        simulator.setPower(250_000, true);
        assertFalse(DeviceEnergy.open("cuda:0,cpu").isPresent());
        assertFalse(DeviceEnergy.open("cpu").isPresent());
    }

    @Test
    void aDeviceThatStopsToTellHasNoEnergyRatherThanNone() {
        simulator.setPower(250_000, true);
        try (DeviceEnergy energy = DeviceEnergy.open("cuda:0").orElseThrow()) {
            simulator.setPower(0, true);
            assertTrue(Double.isNaN(energy.joules()));
        }
    }
}
