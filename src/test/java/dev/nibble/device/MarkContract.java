package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Places in the queue, and the times at which the device came to them. */
abstract class MarkContract extends DeviceContract {
    MarkContract(Subject subject) {
        super(subject);
    }

    /** By the device's own clock, which is started for them. */
    @Test
    void marksTellTheTimeBetweenThem() {
        Queue queue = device().queue();
        try (Buffer buffer = device().allocate(ElementType.I32, 1, 1)) {
            queue.keepTime(true);
            long start = System.nanoTime();
            try (Mark first = queue.mark()) {
                queue.write(buffer, 0, MemorySegment.ofArray(new int[] {7}));
                try (Mark second = queue.mark();
                        Mark third = queue.mark()) {
                    double whole = third.secondsSince(first);
                    double passed = (System.nanoTime() - start) / 1e9;
                    double part = second.secondsSince(first);
                    assertTrue(0 <= part && part <= whole + 1e-5 && whole <= passed + 1e-3, part + " of " + whole);
                    assertEquals(whole, part + third.secondsSince(second), 1e-5);
                }
            }
            queue.keepTime(false);
            int[] read = new int[1];
            queue.read(buffer, 0, MemorySegment.ofArray(read));
            assertEquals(7, read[0]);
        }
    }
}
