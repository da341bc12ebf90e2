package dev.nibble.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.DeviceShare;
import dev.nibble.KernelTime;
import dev.nibble.TokenProjection;
import dev.nibble.cli.ProjectionReport;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a few layers tell of all of them. */
final class BenchProjectionTest {
    private static final double EXACT = 1e-12;

    /** A row of 2.001 GB per token at 6 tokens/s, of 24 GB/s that can be read. */
    private static BenchRow row() {
        return new BenchRow(
                new BenchTest(BenchTest.Kind.GENERATION, 1, 0),
                BenchRowTest.model("deepseek-r1/4"),
                new BenchRow.Samples(List.of(6.0)),
                new BenchRow.Samples(List.of(24e9)),
                Double.NaN,
                List.of());
    }

    @Test
    void timesAreBytesOverBandwidthAndShareWithExchanges() {
        TokenProjection projection = new TokenProjection(
                10,
                2,
                1,
                2,
                3,
                List.of(new DeviceShare("a", 4_000_000, 1000, 0), new DeviceShare("b", 2_000_000, 1000, 0)),
                List.of(new DeviceShare("a", 3_000_000, 2000, 0), new DeviceShare("b", 3_000_000, 2000, 0)));
        List<Double> speeds = List.of(1e9, 2e9);
        // 5 MB and 3 MB at 0.5 and 1 GB/s, one copy; 5 MB at 0.5 GB/s, one copy and 20 exchanges.
        assertEquals(10e-3 + 3e-3 + 10e-6, projection.layerSeconds(speeds, 0.5, 1000), EXACT);
        assertEquals(OptionalDouble.of(10e-3 + 21 * 10e-6), projection.tensorSeconds(speeds, 0.5, 1000));
        assertEquals(6, projection.bytes());
        assertEquals(20, projection.exchanges());
    }

    /** 61 layers of DeepSeek R1, three of which are dense, at half of what two such devices read. */
    @Test
    void fourLayersAreProjectedToAll() {
        ProjectionReport report =
                new BenchProjection("deepseek-r1/4:ud-iq1_s").of(row()).orElseThrow();
        assertEquals(12.006 / 24, report.share(), EXACT);
        String line = report.text();
        assertTrue(line.startsWith("projection (a model, not a measurement) for 61 layers on 2 devices: "), line);
        assertTrue(
                line.matches(".* 3 dense layers 1.1\\d \\+ 58 layers with experts 13.\\d\\d \\+ output 0.7\\d = .*"),
                line);
        assertTrue(line.contains("the measured 0.500 of 24.0 : 24.0 GB/s"), line);
        JsonNode json = new JsonMapper()
                .readTree(BenchReport.json(List.of(row().with(report))))
                .at("/0/projection");
        assertEquals(61, json.get("layers").asInt());
        double gigabytes = (json.get("dense_bytes_per_token").asDouble()
                        + json.get("expert_bytes_per_token").asDouble()
                        + json.get("output_bytes_per_token").asDouble())
                / 1e9;
        assertEquals(15.3, gigabytes, 0.3, "queries are turned by floats of 16 bits");
        double layers = json.get("layer_split_tokens_per_second").asDouble();
        assertEquals(12.006 / gigabytes, layers, 0.001);
        assertTrue(json.get("tensor_split_tokens_per_second").asDouble() > 1.7 * layers, json.toString());
    }

    @Test
    void whatIsWholeIsNotProjected() {
        assertEquals(Optional.empty(), new BenchProjection("deepseek-r1:ud-iq1_s").of(row()));
        assertEquals(Optional.empty(), new BenchProjection("").of(row()));
    }

    /** 3 GB in 0.2 s, of 24 GB/s. */
    @Test
    void kernelsAreProjectedByTheirSum() {
        BenchTest test = new BenchTest(BenchTest.Kind.GENERATION, 1, 0);
        KernelRow.Limits limits = new KernelRow.Limits(24e9, 1e12);
        List<KernelRow> rows = List.of(
                new KernelRow(
                        test,
                        BenchRowTest.model("deepseek-r1/4"),
                        new KernelTime("cpu", "one", 1, 2, 0.05, 1_000_000_000, 0),
                        0.5,
                        limits),
                new KernelRow(
                        test,
                        BenchRowTest.model("deepseek-r1/4"),
                        new KernelTime("cpu", "other", 1, 1, 0.1, 1_000_000_000, 0),
                        0.5,
                        limits));
        ProjectionReport report =
                new BenchProjection("deepseek-r1/4:ud-iq1_s").ofKernels(rows).orElseThrow();
        assertEquals(15.0 / 24, report.share(), EXACT);
    }
}
