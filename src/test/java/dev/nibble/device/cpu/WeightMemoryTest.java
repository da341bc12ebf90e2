package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class WeightMemoryTest {
    private static final long[] SIZES = {1, 7, 64, 65, 4097, 40L << 20, 33, 30L << 20, 70L << 20, 255};

    @Test
    void weightsLieApartOnCacheLinesAndGoWithTheirSlab() {
        try (DeviceMemory memory = new DeviceMemory(true)) {
            WeightMemory weights = new WeightMemory(memory);
            List<WeightMemory.Part> parts = new ArrayList<>();
            for (long size : SIZES) {
                WeightMemory.Part part = weights.allocate(size, "a test");
                assertEquals(size, part.segment().byteSize());
                assertEquals(0, part.segment().address() % 64);
                assertEquals(0, part.segment().get(ValueLayout.JAVA_BYTE, size - 1));
                parts.add(part);
            }
            for (int i = 0; i < SIZES.length; i++) {
                parts.get(i).segment().set(ValueLayout.JAVA_BYTE, 0, (byte) i);
                parts.get(i).segment().set(ValueLayout.JAVA_BYTE, SIZES[i] - 1, (byte) i);
            }
            for (int i = 0; i < SIZES.length; i++) {
                assertEquals(i, parts.get(i).segment().get(ValueLayout.JAVA_BYTE, 0));
                assertEquals(i, parts.get(i).segment().get(ValueLayout.JAVA_BYTE, SIZES[i] - 1));
            }
            // The first seven share a slab.
            for (int i = 1; i < 7; i++) {
                parts.get(i).close();
                parts.get(i).close();
            }
            assertTrue(parts.get(0).segment().scope().isAlive());
            parts.get(0).close();
            assertFalse(parts.get(1).segment().scope().isAlive());
            assertTrue(parts.get(7).segment().scope().isAlive());
        }
    }

    @Test
    void weightsStayWhatTheyAreWhenTheyMoveToHugePages() throws InterruptedException {
        try (DeviceMemory memory = new DeviceMemory(false)) {
            WeightMemory weights = new WeightMemory(memory);
            WeightMemory.Part part = weights.allocate(40L << 20, "a test");
            long longs = part.segment().byteSize() / Long.BYTES;
            for (long i = 0; i < longs; i += 100) {
                part.segment().setAtIndex(ValueLayout.JAVA_LONG, i, i + 1);
            }
            long moved = weights.collapse(0);
            assertTrue(moved == 0 || moved == 40L << 20, () -> moved + " bytes");
            for (long i = 0; i < longs; i += 100) {
                assertEquals(i + 1, part.segment().getAtIndex(ValueLayout.JAVA_LONG, i));
            }
            part.close();
            assertEquals(0, weights.collapse(0));
        }
    }
}
