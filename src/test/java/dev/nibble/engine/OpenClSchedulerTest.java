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

    /** Where tokens differ, the first two that do are as good as each other, to what steps of other shapes make of their logits. */
    @Override
    void compare(int[] prompt, List<Integer> alone, List<Integer> together) {
        int same = 0;
        while (same < alone.size() && alone.get(same).equals(together.get(same))) {
            same++;
        }
        if (same == alone.size()) {
            assertEquals(alone, together);
            return;
        }
        int[] before = IntStream.concat(
                        IntStream.of(prompt), alone.subList(0, same).stream().mapToInt(Integer::intValue))
                .toArray();
        float[] one = logitsAfter(512, before);
        float[] other = logitsAfter(1, before);
        double square = 0;
        double most = 0;
        for (int i = 0; i < one.length; i++) {
            square += (double) one[i] * one[i];
            most = Math.max(most, Math.abs(one[i] - other[i]));
        }
        double gap = Math.abs(one[alone.get(same)] - one[together.get(same)]);
        assertTrue(gap <= 2 * most, "gap " + gap + ", steps of other shapes differ by " + most);
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
