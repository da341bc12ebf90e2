package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.NeedsOpenCl;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Many sequences on an OpenCL device: they share pages and steps, wait for each other, and are computed again. Kernels for few rows
 * add floats in another order than those for many, which can move an activation to the next int8, and values to the next 4 bits.
 */
@ExtendWith(NeedsOpenCl.class)
class OpenClSchedulerTest extends SchedulerTest {
    @Override
    String deviceName() {
        return "opencl:0";
    }

    /** Rounding may decide between two tokens that are nearly as good; pages of another sequence would spoil most of them. */
    @Override
    void compare(List<List<Integer>> alone, List<List<Integer>> together) {
        assertEquals(alone.size(), together.size());
        long same = IntStream.range(0, alone.size())
                .filter(i -> alone.get(i).equals(together.get(i)))
                .count();
        assertTrue(same >= alone.size() - 1, () -> same + " of " + alone.size() + " sequences are the same");
    }

    @Override
    void compare(float[] expected, float[] actual) {
        assertEquals(expected.length, actual.length);
        double error = 0;
        double signal = 0;
        for (int i = 0; i < expected.length; i++) {
            error += Math.pow(expected[i] - actual[i], 2);
            signal += Math.pow(expected[i], 2);
        }
        double nmse = error / signal;
        assertTrue(nmse < 1e-4, () -> "NMSE " + nmse);
    }
}
