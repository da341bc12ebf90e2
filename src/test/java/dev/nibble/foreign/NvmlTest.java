package dev.nibble.foreign;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.simulator.NeedsCudaSimulator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The library of NVIDIA's that tells what devices consume: present, absent and strange. */
final class NvmlTest {
    @Test
    void thatThereIsNoneIsNoFailure() {
        assertFalse(Nvml.load(List.of("/nowhere/libnvidia-ml.so.1", "libnibble-nowhere.so"))
                .isPresent());
    }

    @Test
    @ExtendWith(NeedsCudaSimulator.class)
    void devicesAreFoundByTheirPlace() {
        Nvml nvml = Nvml.load(List.of(CudaSimulator.file())).orElseThrow();
        assertTrue(nvml.device("0000:01:00").isPresent());
        assertFalse(nvml.device("0000:99:00").isPresent());
        assertFalse(nvml.device("nowhere").isPresent());
    }

    /** A library with none of the functions, as one that is too old. */
    @Test
    @ExtendWith(NeedsCudaSimulator.class)
    void aLibraryWithoutTheFunctionsIsAsNone() {
        assertFalse(Nvml.load(List.of("libm.so.6")).isPresent());
    }
}
