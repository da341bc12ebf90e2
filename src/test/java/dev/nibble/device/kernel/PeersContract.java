package dev.nibble.device.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.ElementType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Copies between devices, and within one. */
public abstract class PeersContract {
    /** With {@link #WIDTH}, more than a queue's pinned memory holds. */
    protected static final int ROWS = 700;

    protected static final int WIDTH = 2051;

    /** Opens a device; skips the test where there is none of this index. */
    protected abstract Device open(int index);

    @Test
    void receivesFromAnotherKindOfDevice() {
        try (Device first = open(0);
                Device reference = Devices.open("reference", DeviceOptions.DEFAULT)) {
            copies(reference, first);
            copies(first, reference);
        }
    }

    @Test
    void copiesARow() {
        try (Device device = open(0);
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

    /** Copies one row and many, behind what is enqueued before and before what is enqueued after. */
    protected static void copies(Device from, Device to) {
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
