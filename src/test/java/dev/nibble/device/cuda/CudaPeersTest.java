package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.ElementType;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.simulator.NeedsCudaSimulator;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies between devices that reach each other and that do not, within a device, and from another kind of device. */
@ExtendWith(NeedsCudaSimulator.class)
class CudaPeersTest {
    /** More than the queue's pinned memory holds. */
    private static final int ROWS = 700;

    private static final int WIDTH = 2051;

    private final CudaSimulator simulator = new CudaSimulator();

    private static CudaDevice open(int index) {
        return CudaDevice.open(CudaPlatform.system(), index);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void copiesBetweenDevices(boolean peers) {
        simulator.setPeers(peers);
        try (CudaDevice first = open(0);
                CudaDevice second = open(1)) {
            assertEquals(peers, first.reaches(second));
            simulator.fail("");
            copies(first, second);
            copies(second, first);
            assertEquals(peers, simulator.calls("cuMemcpyPeerAsync") > 0);
        } finally {
            simulator.setPeers(true);
        }
    }

    /** Slow copies show what does not wait for them. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void copiesStandInOrder(boolean peers) {
        simulator.setPeers(peers);
        try (CudaDevice first = open(0);
                CudaDevice second = open(1)) {
            simulator.fail("copy@1+=slow:1");
            copies(first, second);
        } finally {
            simulator.fail("");
            simulator.setPeers(true);
        }
    }

    @Test
    void copiesWithinADevice() {
        try (CudaDevice first = open(0);
                CudaDevice same = open(0)) {
            copies(first, same);
            copies(first, first);
        }
    }

    @Test
    void receivesFromAnotherKindOfDevice() {
        try (CudaDevice first = open(0);
                Device reference = Devices.open("reference", DeviceOptions.DEFAULT)) {
            copies(reference, first);
            copies(first, reference);
        }
    }

    @Test
    void copiesARow() {
        try (CudaDevice device = open(0);
                Buffer source = device.allocate(ElementType.I32, 3, 5);
                Buffer target = device.allocate(ElementType.I32, 2, 5)) {
            int[] values = new Random(3).ints(15).toArray();
            device.queue().write(source, 0, MemorySegment.ofArray(values));
            device.queue().write(target, 0, MemorySegment.ofArray(new int[10]));
            device.queue().copyRow(source, 2, target);
            int[] read = new int[10];
            device.queue().read(target, 0, MemorySegment.ofArray(read));
            assertArrayEquals(Arrays.copyOf(Arrays.copyOfRange(values, 10, 15), 10), read);
        }
    }

    private static void copies(Device from, Device to) {
        try (Buffer source = from.allocate(ElementType.F32, ROWS + 2, WIDTH);
                Buffer target = to.allocate(ElementType.F32, ROWS + 1, WIDTH)) {
            float[] values = new float[(ROWS + 1) * WIDTH];
            Random random = new Random(1);
            for (int i = 0; i < values.length; i++) {
                values[i] = random.nextFloat();
            }
            float[] other = new float[(ROWS + 1) * WIDTH];
            Arrays.fill(other, -1);
            for (int rows : new int[] {1, ROWS}) {
                from.queue().write(source, 0, MemorySegment.ofArray(values));
                to.queue().write(target, 0, MemorySegment.ofArray(other));
                to.queue().receive(target, from.queue(), source, rows);
                from.queue().write(source, 0, MemorySegment.ofArray(other));
                float[] read = new float[values.length];
                to.queue().read(target, 0, MemorySegment.ofArray(read));
                System.arraycopy(values, 0, other, 0, rows * WIDTH);
                assertArrayEquals(other, read, rows + " rows");
                Arrays.fill(other, -1);
            }
            assertThrows(
                    IllegalArgumentException.class, () -> to.queue().receive(target, from.queue(), source, ROWS + 2));
        }
    }
}
