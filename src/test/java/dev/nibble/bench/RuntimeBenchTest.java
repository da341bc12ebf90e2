package dev.nibble.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.cli.Terminal;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.simulator.NeedsCudaSimulator;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The program {@code runtime-bench}. */
final class RuntimeBenchTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int bench(String line) {
        Terminal terminal = new Terminal(
                new ByteArrayInputStream(new byte[0]), out, new PrintStream(err, true, StandardCharsets.UTF_8), false);
        return RuntimeBench.execute(terminal, line.split(" "));
    }

    private String text(ByteArrayOutputStream stream) {
        return stream.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aShapeThatDoesNotFitIsRefusedWithNumbers() {
        assertEquals(5, bench("--shape llama-3.3-70b:f32 -p 8 -n 8"), text(err));
        assertTrue(text(err).matches("(?s).*weights [0-9,]+\\.\\d MiB.*available [0-9,]+\\.\\d MiB.*"), text(err));
        assertEquals("", text(out));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    --shape llama-9-1b:q4_0 | llama-3.2-1b
                    --shape llama-3.2-1b    | q4_0
                    -p 0 -n 0               | nothing to measure
                    -p -5                   | must not be negative
                    -r 0                    | -r must be 1
                    --markdown --csv        | mutually exclusive
                    --kernels -p 513        | at most 512
                    --kernels --html x.html | --html has no page
                    """)
    void wrongUseEndsWithTwo(String line, String inMessage) {
        assertEquals(2, bench(line), text(err));
        assertTrue(text(err).startsWith("runtime-bench: "), text(err));
        assertTrue(text(err).contains(inMessage), text(err));
    }

    /** The reference device has no limit to be judged by. */
    @Test
    void severalDevicesAreNamedInARow() {
        assertEquals(0, bench("-p 8 -n 0 -r 1 --device cpu,reference --threads 1 --split layer --markdown"), text(err));
        assertTrue(text(out).contains("| cpu,reference | 1 | pp8 |"), text(out));
        assertTrue(text(out).contains("| - | - | - | - | - | - | - |\n"), text(out));
        assertTrue(text(err).contains("; reference (layer"), text(err));
    }

    /**
     * Of the demo model's rows of 256 floats, one goes over for a token; in a tensor split two for each of 4 layers, but the input in place
     * of the last to the second, which does not need that.
     */
    @ParameterizedTest
    @CsvSource({"layer, 0, 1", "tensor, 8, 8"})
    void eachOfSeveralDevicesTellsWhatItDid(String split, int first, int second) {
        assertEquals(0, bench("-p 0 -n 4 -r 1 --device cpu,reference --threads 1 --json --split " + split), text(err));
        JsonNode devices = new JsonMapper().readTree(text(out)).at("/0/devices");
        assertEquals(2, devices.size());
        for (JsonNode device : devices) {
            boolean begins = device.get("device").asString().equals("cpu");
            double busy = device.get("busy_share").asDouble();
            double exchange = device.get("exchange_share").asDouble();
            assertTrue(busy > 0 && exchange > 0 && busy + exchange <= 1, devices.toString());
            int rows = begins ? first : second;
            assertEquals(rows * 1024.0, device.get("copied_bytes_per_token").asDouble(), devices.toString());
            boolean reduces = split.equals("tensor");
            assertEquals(
                    reduces, device.get("all_reduce_microseconds_per_token").asDouble() > 0, devices.toString());
            assertEquals(!begins, device.get("copy_microseconds_per_token").asDouble() > 0, devices.toString());
            assertTrue(device.get("weight_bytes_per_token").asLong() > 0, devices.toString());
        }
    }

    /** Devices of one processor gain nothing by working at once. */
    @Test
    void theWayToShareAModelIsMeasuredAndSaid() {
        assertEquals(0, bench("-p 4 -n 0 -r 1 --device cpu,cpu --threads 1"), text(err));
        assertTrue(text(err).contains("split: layer split: a token is estimated to take "), text(err));
        assertTrue(text(err).contains("an all-reduce "), text(err));
    }

    @Test
    void tablesAreForMarkdownToo() {
        assertEquals(0, bench("-p 8 -n 0 -r 1 --device reference --markdown"), text(err));
        assertTrue(text(out).startsWith("| model | type | device |"), text(out));
        assertTrue(text(out).contains("| pp8 |"), text(out));
    }

    @Test
    void kernelsOfAPromptAndOfAToken() {
        assertEquals(0, bench("--kernels -p 8 -n 16,32 -r 1 --depth 3 --device reference --json"), text(err));
        JsonNode rows = new JsonMapper().readTree(text(out));
        assertEquals(
                List.of("pp8@d3", "tg1@d3"),
                rows.valueStream()
                        .map(row -> row.get("test").asString())
                        .distinct()
                        .toList());
        for (String test : List.of("pp8@d3", "tg1@d3")) {
            List<JsonNode> kernels = rows.valueStream()
                    .filter(row -> row.get("test").asString().equals(test))
                    .toList();
            double whole = kernels.stream()
                    .mapToDouble(row -> row.get("share_of_step").asDouble())
                    .sum();
            assertEquals(1, whole, 1e-9);
            for (String kind :
                    List.of("embed", "norm", "quantize", "matmul", "rope", "write-kv", "attention", "gate")) {
                assertTrue(
                        kernels.stream()
                                .anyMatch(row -> row.get("kernel").asString().startsWith(kind + " ")),
                        kind + " is missing: " + kernels);
            }
            JsonNode down = kernels.stream()
                    .filter(row -> row.get("kernel").asString().startsWith("matmul ffn_down 512 -> 256 "))
                    .findFirst()
                    .orElseThrow();
            int tokens = test.startsWith("pp") ? 8 : 1;
            assertEquals(tokens, down.get("rows").asInt());
            // Of the four layers the last has one row only.
            assertEquals(tokens == 1 ? 4 : 3, down.get("count").asInt());
            assertEquals(tokens * 512L * 256, down.get("multiply_adds").asLong());
            assertTrue(down.get("microseconds").asDouble() > 0, down.toString());
            assertTrue(down.get("share_of_roofline").isNull(), "the reference device has no limits");
        }
    }

    @Test
    @Tag("slow")
    void severalDevicesAreJudgedTogether() {
        assertEquals(0, bench("-p 8 -n 1 -r 1 --device cpu,cpu --threads 1 --json"), text(err));
        for (JsonNode row : new JsonMapper().readTree(text(out))) {
            assertEquals("cpu,cpu", row.get("device").asString());
            assertTrue(row.get("share_of_roofline").asDouble() > 0, row.toString());
            assertTrue(!row.has("joules_per_token"), row.toString());
        }
    }

    @Test
    @Tag("slow")
    @ExtendWith(NeedsCudaSimulator.class)
    void cudaDevicesAreJudgedTogetherAndTellWhatTheyConsume() {
        CudaSimulator simulator = new CudaSimulator();
        simulator.setPower(100_000, true);
        try {
            assertEquals(0, bench("-p 4 -n 1 -r 1 --device cuda:0,cuda:1 --json"), text(err));
        } finally {
            simulator.setPower(0, true);
        }
        for (JsonNode row : new JsonMapper().readTree(text(out))) {
            assertEquals("cuda:0,cuda:1 (simulated)", row.get("device").asString());
            assertTrue(row.get("share_of_roofline").asDouble() > 0, row.toString());
            // 100 and 200 watts.
            double watts = row.get("joules_per_token").asDouble()
                    * row.at("/tokens_per_second/mean").asDouble();
            assertTrue(watts > 30 && watts < 3000, row.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"layer", "tensor"})
    @Tag("slow")
    @ExtendWith(NeedsCudaSimulator.class)
    void cudaDevicesTellByTheirOwnClocks(String split) {
        assertEquals(0, bench("-p 0 -n 2 -r 1 --device cuda:0,cuda:1 --json --split " + split), text(err));
        JsonNode devices = new JsonMapper().readTree(text(out)).at("/0/devices");
        assertEquals(2, devices.size());
        for (JsonNode device : devices) {
            double busy = device.get("busy_share").asDouble();
            assertTrue(busy > 0 && busy + device.get("exchange_share").asDouble() <= 1.01, devices.toString());
            assertEquals(
                    split.equals("tensor"),
                    device.get("all_reduce_microseconds_per_token").asDouble() > 0,
                    devices.toString());
        }
        assertTrue(devices.at("/1/copied_bytes_per_token").asDouble() >= 1024, devices.toString());
    }

    @Test
    @Tag("slow")
    @ExtendWith(NeedsCudaSimulator.class)
    void kernelsOfSeveralDevicesAreJudgedEachByItsOwn() {
        assertEquals(0, bench("--kernels -p 0 -n 1 -r 1 --device cuda:0,cpu --threads 1 --json"), text(err));
        JsonNode rows = new JsonMapper().readTree(text(out));
        for (String device : List.of("cuda:0 (simulated)", "cpu")) {
            List<Double> limits = rows.valueStream()
                    .filter(row -> row.get("device").asString().equals(device))
                    .filter(row -> row.at("/roofline/unit").asString().equals("GB/s"))
                    .map(row -> row.at("/roofline/mean").asDouble())
                    .distinct()
                    .toList();
            assertEquals(1, limits.size(), device + ": " + limits);
            assertTrue(limits.getFirst() > 0, device + ": " + limits);
        }
    }

    @Test
    void kernelsAsATable() {
        assertEquals(0, bench("--kernels -p 0 -n 1 -r 1 --device cpu --threads 1 --csv"), text(err));
        List<String> lines = text(out).lines().toList();
        assertTrue(lines.getFirst().startsWith("model,type,device,threads,test,kernel,rows,count,us"), text(out));
        assertTrue(lines.stream().skip(1).allMatch(line -> line.contains(",tg1,")), text(out));
        assertTrue(lines.stream().anyMatch(line -> line.contains(",argmax 1024,1,1,")), text(out));
    }
}
