package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.cli.CommandLineHarness.Result;
import dev.nibble.quant.Importance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The calibrate command, on the bundled model. */
final class CalibrateCommandTest {
    @TempDir
    private Path folder;

    @Test
    void writesAFileThatCanBeRead() throws IOException {
        Path out = folder.resolve("importance.gguf");
        Result result = nibble("calibrate", "--out", out.toString(), "--ctx", "64", "--windows", "5", "--json");
        assertEquals(0, result.status(), result.err());
        JsonNode json = new ObjectMapper().readTree(result.out());
        assertEquals(320, json.get("tokens").asInt());
        assertEquals(0, json.get("matrices_unmet").asInt());
        Importance importance = Importance.read(out);
        assertEquals(json.get("matrices").asInt(), importance.tensors().size());
        importance.tensors().values().forEach(tensor -> assertEquals(320, tensor.counts()[0]));
    }

    @Test
    void aTextThatIsTooShortLeavesNoFile() throws IOException {
        Path out = folder.resolve("importance.gguf");
        Path text = folder.resolve("text");
        Files.writeString(text, "Anna.");
        Result result = nibble("calibrate", "--out", out.toString(), "-f", text.toString());
        assertEquals(2, result.status());
        assertTrue(result.err().contains("fewer than a window of 512"), result.err());
        assertFalse(Files.exists(out));
    }
}
