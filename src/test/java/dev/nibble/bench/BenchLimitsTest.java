package dev.nibble.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.DeviceShare;
import dev.nibble.model.Split;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What several devices could reach together, on numbers that are easy to follow. */
final class BenchLimitsTest {
    private static final double EXACT = 1e-9;

    /** 10 and 40 GB/s, 100 and 50 billion multiply-adds per second. */
    private static final Map<String, KernelRow.Limits> RATES = Map.of(
            "cuda:0", new KernelRow.Limits(10e9, 100e9),
            "cuda:1", new KernelRow.Limits(40e9, 50e9));

    private static final List<DeviceShare> SHARES = List.of(
            new DeviceShare("cuda:0", 1_000_000_000, 1_000_000, 10_000_000),
            new DeviceShare("cuda:1", 3_000_000_000L, 1_000_000, 10_000_000));

    private static double together(List<DeviceShare> shares, BenchTest.Kind kind, int tokens, int depth) {
        return BenchLimits.together(shares, Split.LAYER, 512, new BenchTest(kind, tokens, depth), RATES);
    }

    @Test
    void oneDeviceReachesItsOwnLimit() {
        List<DeviceShare> one = SHARES.subList(0, 1);
        assertEquals(10e9, together(one, BenchTest.Kind.GENERATION, 128, 4096), EXACT);
        assertEquals(100e9, together(one, BenchTest.Kind.PROMPT, 2048, 0), EXACT * 1e9);
    }

    /** A token takes 0.1 s of the first and 0.075 s of the second device; with 999 tokens in the context 0.2 and 0.1. */
    @Test
    void aTokenTakesTheTimesOfAllDevices() {
        assertEquals(4.002e9 / (1.001 / 10 + 3.001 / 40), together(SHARES, BenchTest.Kind.GENERATION, 1, 0), 1);
        assertEquals(6e9 / (0.2 + 0.1), together(SHARES, BenchTest.Kind.GENERATION, 1, 999), 1);
    }

    /** Parts of every layer are read at once: the slowest device, with 0.1 s, holds up a token, and with 0.2 ms a step. */
    @Test
    void partsOfLayersTakeTheTimeOfTheSlowest() {
        BenchTest token = new BenchTest(BenchTest.Kind.GENERATION, 1, 0);
        assertEquals(4.002e9 / (1.001 / 10), BenchLimits.together(SHARES, Split.TENSOR, 512, token, RATES), 1);
        BenchTest prompt = new BenchTest(BenchTest.Kind.PROMPT, 2048, 0);
        assertEquals(20e6 / 0.2e-3, BenchLimits.together(SHARES, Split.TENSOR, 512, prompt, RATES), 1);
    }

    /** A step takes 0.1 and 0.2 ms; of four steps the slower device works on one after the other. */
    @Test
    void stepsOfAPromptFollowEachOther() {
        assertEquals(20e6 / 0.3e-3, together(SHARES, BenchTest.Kind.PROMPT, 512, 0), 1);
        assertEquals(4 * 20e6 / (0.3e-3 + 3 * 0.2e-3), together(SHARES, BenchTest.Kind.PROMPT, 2048, 0), 1);
    }
}
