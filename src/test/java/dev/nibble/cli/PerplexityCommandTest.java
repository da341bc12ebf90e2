package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.cli.CommandLineHarness.Result;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The perplexity command, on the bundled model. */
final class PerplexityCommandTest {
    @TempDir
    private Path folder;

    private static JsonNode json(Result result) {
        assertEquals(0, result.status(), result.err());
        return new ObjectMapper().readTree(result.out());
    }

    private Path items() throws IOException {
        Path items = folder.resolve("items.jsonl");
        try (InputStream resource = PerplexityCommandTest.class.getResourceAsStream("/dev/nibble/greedy.jsonl")) {
            Files.copy(resource, items);
        }
        return items;
    }

    @Test
    void theWholeTextInJson() {
        JsonNode json = json(nibble("perplexity", "--json", "--ctx", "128"));
        assertEquals(2.5418, json.at("/perplexity/value").asDouble(), 0.0127);
        assertEquals(0.0705, json.at("/perplexity/error").asDouble(), 0.002);
        assertEquals(122, json.get("windows").asInt());
        assertEquals(122, json.get("running").size());
        assertEquals(7686, json.get("tokens").asInt());
        assertEquals("cpu", json.get("device").asString());
    }

    @Test
    void theUsualWindowIsTheModelsContext() {
        Result result = nibble("perplexity", "--windows", "2");
        assertEquals(0, result.status(), result.err());
        assertTrue(
                result.out().matches("(?s)perplexity \\d\\.\\d{4} ± \\d\\.\\d{4} \\(2 windows of 512, 510 .*"),
                result.out());
    }

    @Test
    void anotherCacheIsComparedWithTheFirst() {
        String saved = folder.resolve("base").toString();
        nibble("perplexity", "--ctx", "64", "--windows", "20", "--kv", "f32", "--save-logits", saved);
        String[] compare = {"perplexity", "--ctx", "64", "--windows", "20", "--against", saved};
        Result text = nibble(compare);
        assertEquals(0, text.status(), text.err());
        assertTrue(text.out().contains("against Nibble"), text.out());
        assertTrue(text.out().contains("KL divergence"), text.out());
        String[] inJson = Arrays.copyOf(compare, compare.length + 1);
        inJson[compare.length] = "--json";
        JsonNode against = json(nibble(inJson)).get("against");
        double kl = against.at("/kl/mean/value").asDouble();
        assertTrue(kl > 0 && kl < 1e-3, "KL " + kl);
        assertTrue(against.at("/kl/p99").asDouble() >= against.at("/kl/median").asDouble());
        assertTrue(against.at("/same_top/value").asDouble() > 0.98);
        assertEquals(1, against.at("/ratio/value").asDouble(), 0.01);
    }

    @Test
    void continuationsAreCountedWithoutAText() throws IOException {
        String items = items().toString();
        Result text = nibble("perplexity", "--greedy", items);
        assertTrue(text.out().startsWith("same continuation from end to end: 100.00"), text.out());
        JsonNode json = json(nibble("perplexity", "--greedy", items, "--json"));
        assertEquals(1.0, json.at("/greedy/same/value").asDouble());
        assertTrue(json.path("perplexity").isMissingNode());
    }

    @Test
    void brokenItemsAreRefused() throws IOException {
        Path items = folder.resolve("broken.jsonl");
        for (String line : new String[] {
            "nonsense",
            "[]",
            "{\"prompt_ids\": [], \"ids\": [1]}",
            "{\"prompt_ids\": [1]}",
            "{\"prompt_ids\": [1], \"ids\": [1, 99999]}",
            "{\"prompt_ids\": [1], \"ids\": [1.5]}",
            "{\"prompt\": \"Anna\", \"prompt_ids\": [1, 2], \"ids\": [3]}"
        }) {
            Files.writeString(items, "\n" + line + "\n");
            Result result = nibble("perplexity", "--greedy", items.toString());
            assertEquals(3, result.status(), line);
            assertTrue(result.err().contains("broken.jsonl, line 2"), result.err());
        }
        Files.writeString(items, "\n");
        assertTrue(nibble("perplexity", "--greedy", items.toString()).err().contains("no items"));
        Files.write(items, new byte[] {'{', (byte) 0xff, '}'});
        Result binary = nibble("perplexity", "--greedy", items.toString());
        assertEquals(3, binary.status());
        assertTrue(binary.err().contains("broken.jsonl is not text in UTF-8"), binary.err());
    }

    @Test
    void windowsAreMeasuredBesideContinuations() throws IOException {
        JsonNode json =
                json(nibble("perplexity", "--greedy", items().toString(), "--windows", "2", "--ctx", "128", "--json"));
        assertEquals(2, json.get("windows").asInt());
        assertEquals(1.0, json.at("/greedy/same/value").asDouble());
    }

    /** Before a model is loaded, which may take long: with one that does not exist nothing else would be told. */
    @Test
    void filesAreLookedAtFirst() throws IOException {
        Path absent = folder.resolve("absent");
        Path text = Files.writeString(folder.resolve("text"), "Anna.");
        String[][] calls = {
            {"perplexity", "--save-logits", folder.toString(), "a folder"},
            {"perplexity", "--save-logits", absent.resolve("x").toString(), "no folder " + absent},
            {"perplexity", "-f", text.toString(), "--save-logits", text.toString(), "is a file that is read"},
            {"perplexity", "--against", text.toString(), "--save-logits", text.toString(), "is a file that is read"},
            {"perplexity", "-f", absent.toString(), "no file " + absent},
            {"calibrate", "--out", folder.toString(), "a folder"},
            {"calibrate", "--out", absent.resolve("x").toString(), "no folder " + absent},
            {"calibrate", "--out", text.toString(), "-f", text.toString(), "is a file that is read"},
            {"calibrate", "--out", folder.resolve("x").toString(), "-f", absent.toString(), "no file " + absent},
            {"tune", "--html", absent.resolve("x").toString(), "no folder " + absent},
            {"tune", "--html", text.toString(), "-f", text.toString(), "is a file that is read"},
            {"tune", "--variant", absent.toString(), "no file " + absent},
            {"tune", "--variant", text.toString(), "--out", folder.resolve("x").toString(), "makes none"},
            {"tune", "--variant", text.toString(), "--calibration", text.toString(), "makes none"},
            {"tune", "--variant", text.toString(), "--allow-requantize", "makes none"},
        };
        for (String[] call : calls) {
            String expected = call[call.length - 1];
            String[] arguments = Arrays.copyOf(call, call.length + 1);
            arguments[call.length - 1] = "-m";
            arguments[call.length] = folder.resolve("no-model.gguf").toString();
            Result result = nibble(arguments);
            assertEquals(expected.startsWith("no file") ? 3 : 2, result.status(), result.err());
            assertTrue(result.err().contains(expected), result.err());
        }
        assertEquals("Anna.", Files.readString(text));
        Result self = nibble("tune", "-m", text.toString(), "--out", text.toString());
        assertTrue(self.err().contains("is a file that is read"), self.err());
    }

    @Test
    void textsThatCannotBeMeasuredAreRefused() throws IOException {
        Path text = folder.resolve("text");
        Files.writeString(text, "Anna.");
        Result small = nibble("perplexity", "-f", text.toString());
        assertEquals(2, small.status());
        assertTrue(small.err().contains("fewer than a window of 512"), small.err());
        Files.write(text, new byte[] {(byte) 0xff, 0});
        Result binary = nibble("perplexity", "-f", text.toString());
        assertEquals(3, binary.status());
        assertTrue(binary.err().contains("UTF-8"), binary.err());
        Result other = nibble("perplexity", "--against", text.toString());
        assertEquals(3, other.status());
        assertTrue(other.err().contains("saved predictions") || other.err().contains("bytes"), other.err());
    }
}
