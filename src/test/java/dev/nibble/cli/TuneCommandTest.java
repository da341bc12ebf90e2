package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.ModelFile;
import dev.nibble.cli.CommandLineHarness.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The tune command, from the bundled model to a recommendation. */
final class TuneCommandTest {
    @TempDir
    private Path folder;

    private static JsonNode json(Result result) {
        return new ObjectMapper().readTree(result.out());
    }

    private static List<String> strings(JsonNode array, String key) {
        return array.valueStream().map(node -> node.get(key).asString()).toList();
    }

    @Test
    void theFiveSteps() throws IOException {
        Path html = folder.resolve("report.html");
        Path out = folder.resolve("tuned.gguf");
        Result result = nibble(
                "tune",
                "--windows",
                "2",
                "--ctx",
                "1024",
                "--json",
                "--html",
                html.toString(),
                "--out",
                out.toString());
        assertEquals(0, result.status(), result.err());
        JsonNode json = json(result);
        JsonNode trials = json.get("trials");
        List<String> weights = strings(trials, "weights");
        assertEquals(List.of("base", "q4_k_m", "q3_k_m", "q2_k", "q5_k_m", "q6_k"), weights.subList(0, 6));
        assertEquals(List.of("q8_0", "q8_0/q4_0", "q4_0"), strings(trials, "kv").subList(6, 9));
        checkTrials(trials);
        String steps = json.get("steps").toString();
        assertTrue(steps.contains("streaming attention is on"), steps);
        assertTrue(steps.contains("q8_0: the base has no more bits"), steps);
        assertTrue(steps.contains("measuring on 2 windows of 128 tokens"), steps);
        assertTrue(steps.contains("kept in " + out), steps);
        assertTrue(Files.readString(html).contains("Pareto"), "the report");
        if (!json.at("/recommended/weights").asString().equals("base")) {
            try (ModelFile tuned = ModelFile.open(out)) {
                assertTrue(
                        tuned.fileBytes() >= json.at("/recommended/file_bytes").asLong());
            }
        }
        try (Stream<Path> left = Files.list(folder)) {
            List<Path> files = new ArrayList<>(left.toList());
            files.removeAll(List.of(html, out));
            assertEquals(List.of(), files, "nothing else is left");
        }
    }

    private static void checkTrials(JsonNode trials) {
        for (JsonNode trial : trials) {
            assertTrue(trial.get("prompt_tokens_per_second").asDouble() > 0);
            assertTrue(trial.get("generation_tokens_per_second").asDouble() > 0);
            assertTrue(
                    trial.get("memory_bytes").asLong() > trial.get("file_bytes").asLong());
            double perplexity = trial.at("/perplexity/value").asDouble();
            assertTrue(perplexity > 1.5 && perplexity < 5, "perplexity " + perplexity);
        }
        assertTrue(loss(trials, 3) > loss(trials, 1), "2 bits lose more than 4");
        assertTrue(loss(trials, 1) > loss(trials, 5), "4 bits lose more than 6");
        assertTrue(trials.get(3).get("file_bytes").asLong()
                < trials.get(1).get("file_bytes").asLong());
        assertTrue(trials.get(8).get("memory_bytes").asLong()
                < trials.get(6).get("memory_bytes").asLong());
    }

    private static double loss(JsonNode trials, int index) {
        return trials.get(index).at("/kl/value").asDouble();
    }

    @Test
    void givenVariantsAreMeasuredInsteadOfMade() throws IOException {
        Path base = folder.resolve("base.gguf");
        Path variant = folder.resolve("variant.gguf");
        ModelFile.copyDemo(base);
        ModelFile.copyDemo(variant);
        Result result = nibble(
                "tune",
                "-m",
                base.toString(),
                "--variant",
                variant.toString(),
                "--windows",
                "1",
                "--memory",
                "1MiB",
                "--json");
        assertEquals(5, result.status(), result.err());
        JsonNode json = json(result);
        assertTrue(json.get("recommended").isNull());
        assertTrue(json.get("reason").asString().contains("nothing fits"), json.toString());
        assertEquals("variant.gguf", json.at("/trials/1/weights").asString());
        assertTrue(loss(json.get("trials"), 1) < 1e-6, "the same model");
        assertTrue(Files.exists(base) && Files.exists(variant));
    }

    /** A base and its copy take 27 MiB each; with their contexts quantized, both fit 25. */
    @Test
    void aQuantizedContextMakesRoomForMoreBits() throws IOException {
        Path base = folder.resolve("base.gguf");
        Path variant = folder.resolve("variant.gguf");
        ModelFile.copyDemo(base);
        ModelFile.copyDemo(variant);
        String[] files = {"-m", base.toString(), "--variant", variant.toString()};
        String[] limits = {"--windows", "1", "--memory", "25MiB", "--prefer", "quality", "--json"};
        Result result = nibble(Stream.of(new String[] {"tune"}, files, limits)
                .flatMap(Stream::of)
                .toArray(String[]::new));
        assertEquals(0, result.status(), result.err());
        JsonNode json = json(result);
        assertTrue(json.get("steps").toString().contains("that makes room for variant.gguf"), result.err());
        JsonNode trials = json.get("trials");
        assertEquals(8, trials.size());
        assertFalse(trials.get(0).get("fits").asBoolean()
                || trials.get(1).get("fits").asBoolean());
        assertTrue(trials.get(2).get("fits").asBoolean()
                && trials.get(5).get("fits").asBoolean());
        assertTrue(json.at("/recommended/fits").asBoolean());
    }

    @Test
    void aQuantizedModelIsNotQuantizedUnasked() throws IOException {
        Path base = folder.resolve("base.gguf");
        ModelFile.copyDemo(base);
        Result result = nibble("tune", "-m", base.toString(), "--windows", "1");
        assertEquals(2, result.status());
        assertTrue(result.err().contains("requantize"), result.err());
    }

    @Test
    void textsThatAreTooShortAreRefusedBeforeAnythingIsMeasured() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "Anna.");
        Result measured = nibble("tune", "-f", text.toString());
        assertEquals(2, measured.status());
        assertTrue(measured.err().contains("fewer than a window of 128"), measured.err());
        assertTrue(measured.err().contains("--window"), measured.err());
        Result calibrated = nibble("tune", "--calibration", text.toString());
        assertEquals(2, calibrated.status());
        assertTrue(calibrated.err().contains("to calibrate with, the text has"), calibrated.err());
        assertFalse(calibrated.err().contains("base:"), calibrated.err());
    }

    @Test
    void anOutputWithoutAFolderIsRefusedAtOnce() {
        Result result = nibble("tune", "--out", folder.resolve("absent/x.gguf").toString());
        assertEquals(2, result.status());
        assertTrue(result.err().contains("no folder"), result.err());
        assertFalse(result.err().contains("base:"), result.err());
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "8GiB, 8589934592", "8g, 8589934592", "1.5 MB, 1572864", "2kib, 2048", "3B, 3"})
    void sizesAreReadAsPeopleWriteThem(String text, long bytes) {
        assertEquals(bytes, Bytes.parse("--memory", text));
    }
}
