package dev.nibble.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.KernelTime;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a kernel is judged by. */
final class KernelRowTest {
    private static final double EXACT = 1e-9;

    /** 10 GB/s, 100 billion multiply-adds per second. */
    private static KernelRow row(long bytes, long multiplyAdds, double seconds, KernelRow.Limits limits) {
        BenchTest test = new BenchTest(BenchTest.Kind.PROMPT, 8, 0);
        KernelTime kernel = new KernelTime("cpu", "matmul", 8, 4, seconds, bytes, multiplyAdds);
        return new KernelRow(test, BenchRowTest.model("m"), kernel, 0.5, limits);
    }

    private static final KernelRow.Limits LIMITS = new KernelRow.Limits(10e9, 100e9);

    @Test
    void whatTakesLongerAtBestIsTheLimit() {
        KernelRow reading = row(20_000, 100_000, 4e-6, LIMITS);
        assertTrue(reading.reads());
        assertEquals("GB/s", reading.rateUnit());
        assertEquals(5, reading.rate(), EXACT);
        assertEquals(10, reading.limitRate(), EXACT);
        assertEquals(0.5, reading.shareOfRoofline(), EXACT);
        KernelRow multiplying = row(20_000, 1_000_000, 40e-6, LIMITS);
        assertEquals("GFLOP/s", multiplying.rateUnit());
        assertEquals(50, multiplying.rate(), EXACT);
        assertEquals(200, multiplying.limitRate(), EXACT);
        assertEquals(0.25, multiplying.shareOfRoofline(), EXACT);
        assertEquals(40, multiplying.microseconds(), EXACT);
    }

    @Test
    void withoutLimitsThereIsNoShare() {
        KernelRow row = row(20_000, 1_000_000, 40e-6, KernelRow.Limits.NONE);
        assertTrue(Double.isNaN(row.shareOfRoofline()));
        assertTrue(KernelReport.table(List.of(row)).csv().stripTrailing().endsWith(",-"));
        assertTrue(
                KernelReport.json(List.of(row)).contains("\"share_of_roofline\":null"),
                KernelReport.json(List.of(row)));
    }
}
