package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.LanguageModel;
import dev.nibble.cli.CommandLineHarness.Result;
import dev.nibble.quantize.FloatModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code nibble quantize}. */
@Timeout(120)
final class QuantizeCommandTest {
    @TempDir
    private Path folder;

    private String source;
    private Path target;

    @BeforeEach
    void write() throws IOException {
        source = FloatModel.mixed(256).write(folder.resolve("float.gguf")).toString();
        target = folder.resolve("small.gguf");
    }

    @Test
    void peopleSeeWhatBecameOfTheFile() {
        Result result = nibble("quantize", source, target.toString(), "--type", "q4_k_m");
        assertEquals(0, result.status(), result.err());
        assertEquals("", result.out());
        assertTrue(result.err().contains("bits per weight"), result.err());
        assertTrue(result.err().contains("(3 f32, 3 q4_k, 3 q6_k)"), result.err());
        assertTrue(Files.exists(target));
    }

    @Test
    void programsSeeEachTensor() {
        Result result = nibble("quantize", source, target.toString(), "--type", "Q8_0", "--json");
        assertEquals(0, result.status(), result.err());
        JsonNode json = new JsonMapper().readTree(result.out());
        assertEquals("q8_0", json.get("type").asString());
        assertTrue(json.get("written").asBoolean());
        assertEquals(9, json.get("tensors").size());
        long bytes = 0;
        for (JsonNode tensor : json.get("tensors")) {
            bytes += tensor.get("new_bytes").asLong();
            boolean matrix = tensor.get("name").asString().matches(".*(embd|output|attn_v|up|down|exps)\\.weight");
            assertEquals(matrix ? "q8_0" : "f32", tensor.get("new_type").asString());
        }
        assertEquals(bytes, json.get("new_bytes").asLong());
    }

    @Test
    void aDryRunOnlyShowsThePlan() {
        Result result = nibble("quantize", source, target.toString(), "--type", "q4_k_m", "--dry-run");
        assertEquals(0, result.status(), result.err());
        assertTrue(result.out().matches("(?s).*\\nblk.1.ffn_up_exps.weight +f32 +q4_k .*"), result.out());
        assertFalse(Files.exists(target));
    }

    @Test
    void optionsReachTheFile() {
        Result result = nibble(
                "quantize",
                source,
                target.toString(),
                "--type=q4_k_m",
                "--pure",
                "--tensor-type=ffn_up.w=q5_1",
                "--tensor-type=exps=iq4_nl",
                "--output-tensor-type=q8_0",
                "--token-embedding-type=bf16",
                "--threads=2",
                "--json");
        assertEquals(0, result.status(), result.err());
        JsonNode json = new JsonMapper()
                .readTree(nibble("inspect", target.toString(), "--json").out());
        for (JsonNode tensor : json.get("tensors")) {
            String expected = switch (tensor.get("name").asString()) {
                case "blk.0.ffn_up.weight" -> "q5_1";
                case "blk.1.ffn_up_exps.weight" -> "iq4_nl";
                case "output.weight" -> "q8_0";
                case "token_embd.weight" -> "bf16";
                case "blk.0.attn_v.weight", "blk.0.ffn_down.weight" -> "q4_k";
                default -> "f32";
            };
            assertEquals(
                    expected, tensor.get("type").asString(), tensor.get("name").asString());
        }
    }

    @Test
    void failuresHaveTheirExitCodes() throws IOException {
        assertFailure(ExitStatus.USAGE, "another name", source, source, "--type", "q4_0");
        assertFailure(ExitStatus.USAGE, "'q9'", source, target.toString(), "--type", "q9");
        assertFailure(ExitStatus.USAGE, "--type", source, target.toString());
        assertFailure(ExitStatus.USAGE, "PATTERN=TYPE", source, target.toString(), "--type", "q4_0", "--tensor-type=x");
        assertFailure(ExitStatus.USAGE, "given 0", source, target.toString(), "--type", "q4_0", "--threads", "0");
        assertFailure(ExitStatus.INVALID_DATA, "nothing.gguf", "nothing.gguf", target.toString(), "--type", "q4_0");
        assertFailure(ExitStatus.INVALID_DATA, "no folder", source, folder + "/no/where.gguf", "--type", "q4_0");
        String damaged = new FloatModel(256)
                .set("token_embd.weight", 300, Float.NaN)
                .write(folder.resolve("nan.gguf"))
                .toString();
        assertFailure(ExitStatus.INVALID_DATA, "row 1, column 44", damaged, target.toString(), "--type", "q4_0");
        assertFalse(Files.exists(target));
    }

    private static void assertFailure(ExitStatus status, String message, String... arguments) {
        String[] line = new String[arguments.length + 1];
        line[0] = "quantize";
        System.arraycopy(arguments, 0, line, 1, arguments.length);
        Result result = nibble(line);
        assertEquals(status.code(), result.status(), result.err());
        assertTrue(result.err().contains(message), result.err());
    }

    @Test
    void whatCalibrateWritesGuidesTheQuantizer() throws IOException {
        Path model = folder.resolve("bundled.gguf");
        try (InputStream bundled = Objects.requireNonNull(LanguageModel.class.getResourceAsStream("tiny-q8_0.gguf"))) {
            Files.copy(bundled, model);
        }
        String importance = folder.resolve("importance.gguf").toString();
        Result calibrated =
                nibble("calibrate", "-m", model.toString(), "--ctx", "64", "--windows", "2", "--out", importance);
        assertEquals(0, calibrated.status(), calibrated.err());
        String[] quantize = {"quantize", model.toString(), target.toString(), "--type", "q4_k_m", "--allow-requantize"};
        assertEquals(0, nibble(quantize).status());
        byte[] without = Files.readAllBytes(target);
        quantize = Arrays.copyOf(quantize, quantize.length + 1);
        quantize[quantize.length - 1] = "--importance=" + importance;
        Result result = nibble(quantize);
        assertEquals(0, result.status(), result.err());
        assertFalse(Arrays.equals(without, Files.readAllBytes(target)));
        JsonNode json = new JsonMapper()
                .readTree(nibble("inspect", target.toString(), "--json").out());
        assertEquals(
                "importance.gguf",
                json.get("metadata").get("quantize.imatrix.file").asString());
    }
}
