package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaSimulator;
import dev.nibble.simulator.NeedsCudaSimulator;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What is measured of several devices before a way to share a model is chosen. */
final class DeviceSpeedsTest {
    private static final DeviceOptions ONE_THREAD = new DeviceOptions(1, false);
    private static final int WIDTH = 512;

    /** What runs on the calling thread takes turns. */
    @Test
    void devicesOfOneProcessorHoldUpEachOther() {
        try (Device one = Devices.open("cpu", ONE_THREAD);
                Device two = Devices.open("cpu", ONE_THREAD)) {
            DeviceSpeeds speeds = DeviceSpeeds.of(List.of(one, two), WIDTH);
            assertEquals(2, speeds.bytesPerSecond().size());
            assertEquals(1, speeds.contention());
            assertTrue(speeds.copySeconds() > 0 && speeds.reduceSeconds() > 0, speeds.toString());
            assertSame(speeds, DeviceSpeeds.of(List.of(one, two), WIDTH), "measured once");
        }
    }

    /** Nothing of the measurement is left to be done when its buffers are closed. */
    @Test
    void devicesOnThreadsOfTheirOwnCanBeUsedAfterwards() {
        try (Device one = new BackgroundDevice(Devices.open("cpu", ONE_THREAD));
                Device two = new BackgroundDevice(Devices.open("reference", ONE_THREAD));
                Buffer word = one.allocate(ElementType.I32, 1, 1)) {
            for (int round = 0; round < 2; round++) {
                DeviceSpeeds.measure(List.of(one, two), 1 << 17);
                int[] read = new int[1];
                one.queue().write(word, 0, MemorySegment.ofArray(new int[] {round}));
                one.queue().read(word, 0, MemorySegment.ofArray(read));
                assertEquals(round, read[0]);
            }
        }
    }

    /** Through the host, a kernel more copies a row; copies and kernels that take 3 ms each make that what is measured. */
    @Test
    @ExtendWith(NeedsCudaSimulator.class)
    void sumsTakeLongerWhereDevicesDoNotReachEachOther() {
        CudaSimulator simulator = new CudaSimulator();
        try {
            double[] reduce = new double[2];
            for (int peers = 0; peers < 2; peers++) {
                simulator.setPeers(peers == 1);
                try (Device one = Devices.open("cuda:0", ONE_THREAD);
                        Device two = Devices.open("cuda:1", ONE_THREAD)) {
                    assertTrue(one.isSimulated());
                    long free = one.freeMemory();
                    simulator.fail("copy@1+=slow:3;kernel@1+=slow:3");
                    DeviceSpeeds speeds = DeviceSpeeds.measure(List.of(one, two), WIDTH);
                    simulator.fail("");
                    reduce[peers] = speeds.reduceSeconds();
                    assertTrue(speeds.copySeconds() >= 3e-3, speeds.toString());
                    assertEquals(free, one.freeMemory(), 256 << 10);
                }
            }
            assertTrue(reduce[1] >= 3e-3 && reduce[0] >= 6e-3, reduce[0] + " and " + reduce[1]);
            assertTrue(reduce[0] > reduce[1], reduce[0] + " and " + reduce[1]);
        } finally {
            simulator.fail("");
            simulator.setPeers(true);
        }
    }
}
