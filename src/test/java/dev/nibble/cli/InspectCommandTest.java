package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.cli.CommandLineHarness.Result;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code nibble inspect}. */
final class InspectCommandTest {
    @TempDir
    private Path folder;

    @Test
    void peopleSeeMetadataTensorsAndSizes() {
        Result result = nibble("inspect");
        assertEquals(0, result.status(), result.err());
        assertTrue(result.out().contains("general.architecture"), result.out());
        assertTrue(result.out().contains("token_embd.weight"), result.out());
        assertTrue(result.out().matches("(?s).*\nall +\\d+ +\\d+ +\\d+ +\\d+\\.\\d\\d\n"), result.out());
    }

    @Test
    void programsSeeTheSame() {
        JsonNode json = new JsonMapper().readTree(nibble("inspect", "--json").out());
        assertEquals(3, json.get("version").asInt());
        assertEquals("llama", json.get("metadata").get("general.architecture").asString());
        int vocabulary = json.get("metadata").get("tokenizer.ggml.tokens").size();
        JsonNode embedding = tensor(json, "token_embd.weight");
        assertEquals(vocabulary, embedding.get("dimensions").get(1).asInt());
        long bytes = 0;
        for (JsonNode tensor : json.get("tensors")) {
            bytes += tensor.get("bytes").asLong();
        }
        long sum = 0;
        for (JsonNode type : json.get("types")) {
            sum += type.get("bytes").asLong();
        }
        assertEquals(bytes, sum);
        assertEquals(8.5, json.get("types").get("q8_0").get("bits_per_value").asDouble());
    }

    @Test
    void tensorsAreDecodedAsGgmlDoes() {
        Path model = GoldenData.path("dequant/types.gguf");
        JsonNode json = new JsonMapper()
                .readTree(nibble("inspect", "--json", model.toString()).out());
        int compared = 0;
        for (JsonNode tensor : json.get("tensors")) {
            String name = tensor.get("name").asString();
            String type = tensor.get("type").asString();
            Path out = folder.resolve(type);
            Result result = nibble("inspect", model.toString(), "--tensor", name, "--values", out.toString());
            assertEquals(0, result.status(), result.err());
            if (!type.equals("f32")) {
                assertArrayEquals(GoldenData.floats("dequant/" + type + ".f32.bin"), GoldenData.floats(out), name);
                compared++;
            }
        }
        assertTrue(compared > 15, "types compared: " + compared);
    }

    private static JsonNode tensor(JsonNode json, String name) {
        for (JsonNode tensor : json.get("tensors")) {
            if (tensor.get("name").asString().equals(name)) {
                return tensor;
            }
        }
        throw new AssertionError("no tensor " + name);
    }
}
