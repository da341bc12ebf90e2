package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.cli.CommandLineHarness.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code nibble logits}. */
final class LogitsCommandTest {
    private static final double EXACT = 1e-8;

    @TempDir
    private Path folder;

    @Test
    void exactLogitsEqualThoseOfLlamaCpp() throws Exception {
        JsonNode entry = entry("tiny-q8_0.gguf");
        Path out = folder.resolve("logits.bin");
        Result result = nibble(
                "logits",
                "--activations",
                "f32",
                "--kv",
                "f32",
                "--tokens",
                StreamSupport.stream(entry.get("tokens").spliterator(), false)
                        .map(JsonNode::toString)
                        .collect(Collectors.joining(",")),
                "--out",
                out.toString(),
                "-m",
                GoldenData.path("models/tiny-q8_0.gguf").toString());
        assertEquals(0, result.status(), result.err());
        assertEquals("", result.out());
        float[] expected = GoldenData.floats("logits/" + entry.get("file").asString());
        float[] actual = GoldenData.floats(out);
        assertEquals(expected.length, actual.length);
        assertTrue(normalizedError(actual, expected) <= EXACT, "NMSE " + normalizedError(actual, expected));
    }

    @Test
    void everyPositionOfEveryTokenIsWritten() throws Exception {
        Path out = folder.resolve("logits.bin");
        Result result = nibble("logits", "--tokens", "1,5,9", "--out", out.toString(), "--device", "cpu", "--json");
        assertEquals(0, result.status(), result.err());
        JsonNode json = new JsonMapper().readTree(result.out());
        assertEquals(3, json.get("tokens").asInt());
        assertEquals(4L * 3 * json.get("vocabulary").asInt(), Files.size(out));
    }

    @ParameterizedTest
    @CsvSource({"cpu, fixed-point, int8", "reference, fixed-point, int8", "reference, exact, f32"})
    void theArithmeticIsChosenAndReported(String device, String arithmetic, String activations) throws Exception {
        String[] command = {"logits", "--tokens", "1,5,9", "--device", device, "--json", "--out"};
        float[][] logits = new float[2][];
        for (int i = 0; i < 2; i++) {
            Path out = folder.resolve("logits" + i);
            List<String> line = new ArrayList<>(List.of(command));
            line.addAll(i == 0 ? List.of(out.toString()) : List.of(out.toString(), "--arithmetic", arithmetic));
            Result result = nibble(line.toArray(String[]::new));
            assertEquals(0, result.status(), result.err());
            JsonNode json = new JsonMapper().readTree(result.out());
            assertEquals(
                    i == 0 ? "block-int8" : arithmetic, json.get("arithmetic").asString());
            assertEquals(i == 0 ? "int8" : activations, json.get("activations").asString());
            logits[i] = GoldenData.floats(out);
        }
        double difference = normalizedError(logits[1], logits[0]);
        assertTrue(difference > 1e-7 && difference < 1e-2, "NMSE " + difference);
    }

    private static JsonNode entry(String model) throws Exception {
        JsonNode index = new JsonMapper().readTree(Files.readString(GoldenData.path("logits/index.json")));
        for (JsonNode entry : index) {
            if (entry.get("model").asString().endsWith(model)
                    && entry.get("kv").asString().equals("f32")) {
                return entry;
            }
        }
        throw new AssertionError("no entry for " + model);
    }

    private static double normalizedError(float[] actual, float[] expected) {
        double error = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            error += Math.pow((double) actual[i] - expected[i], 2);
            size += Math.pow(expected[i], 2);
        }
        return error / size;
    }
}
