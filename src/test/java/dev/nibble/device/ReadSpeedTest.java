package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The speeds by which layers are shared among devices that differ. */
final class ReadSpeedTest {
    private static final DeviceOptions ONE_THREAD = new DeviceOptions(1, false);

    @Test
    void devicesOfTheSameHardwareAreNotMeasured() {
        try (Device one = Devices.open("cpu", ONE_THREAD);
                Device two = Devices.open("cpu", ONE_THREAD)) {
            assertEquals(List.of(), ReadSpeed.of(List.of(one)));
            assertEquals(List.of(), ReadSpeed.of(List.of(one, two)));
        }
    }

    @Test
    void theProcessorIsFasterThanTheReference() {
        try (Device fast = Devices.open("cpu", ONE_THREAD);
                Device slow = Devices.open("reference", ONE_THREAD)) {
            List<Double> speeds = ReadSpeed.of(List.of(slow, fast, slow));
            assertEquals(speeds.get(0), speeds.get(2));
            assertTrue(speeds.get(1) > 4 * speeds.get(0), speeds.toString());
            assertTrue(speeds.get(1) > 1e8 && speeds.get(1) < 1e12, speeds.toString());
            double quarters = 4 * Math.log(speeds.get(0)) / Math.log(2);
            assertEquals(Math.rint(quarters), quarters, 1e-6, "rounded to steps");
        }
    }

    @Test
    @ExtendWith(NeedsCuda.class)
    void whatIsMeasuredIsFreedAgain() {
        try (Device gpu = Devices.open("cuda:0", ONE_THREAD);
                Device other = Devices.open("cuda:1", ONE_THREAD);
                Device cpu = Devices.open("cpu", ONE_THREAD)) {
            long free = gpu.freeMemory();
            assertEquals(List.of(), ReadSpeed.of(List.of(gpu, other)));
            assertTrue(ReadSpeed.of(List.of(gpu, cpu)).getFirst() > 0);
            assertEquals(free, gpu.freeMemory(), 256 << 10);
        }
    }
}
