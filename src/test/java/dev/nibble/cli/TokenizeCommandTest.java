package dev.nibble.cli;

import static dev.nibble.cli.CommandLineHarness.nibble;
import static dev.nibble.cli.CommandLineHarness.nibbleReading;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.cli.CommandLineHarness.Result;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code nibble tokenize} and {@code nibble detokenize}. */
final class TokenizeCommandTest {
    private static final String TEXT = "Anna put the red ball in the blue box.";
    private static final JsonMapper MAPPER = new JsonMapper();

    @TempDir
    private Path folder;

    @Test
    void textGoesThereAndBack() {
        Result ids = nibble("tokenize", "--plain", "--text", TEXT);
        assertEquals(0, ids.status(), ids.err());
        assertTrue(ids.out().matches("\\d+( \\d+)*\n"), ids.out());
        assertEquals(ids.out(), nibbleReading(TEXT, "tokenize", "--plain").out());
        assertEquals(TEXT, nibble("detokenize", "--text", ids.out()).out());
        assertEquals(TEXT, nibbleReading(ids.out(), "detokenize").out());
    }

    @Test
    void theModelsOwnTokensAreAddedUnlessPlain() {
        String plain = nibble("tokenize", "--plain", "--text", TEXT).out();
        assertEquals("1 " + plain, nibble("tokenize", "--text", TEXT).out());
    }

    @Test
    void jsonShowsThePieces() {
        JsonNode json = MAPPER.readTree(
                nibble("tokenize", "--plain", "--json", "--text", TEXT).out());
        StringBuilder joined = new StringBuilder();
        json.get("pieces").forEach(piece -> joined.append(piece.asString()));
        assertEquals(TEXT, joined.toString().replace('▁', ' '));
        assertEquals(json.get("ids").size(), json.get("pieces").size());
        JsonNode text = MAPPER.readTree(
                nibble("detokenize", "--json", "--text", json.get("ids").toString())
                        .out());
        assertEquals(TEXT, text.get("text").asString());
    }

    @Test
    void batchesOfPublicVocabulariesAreExact() throws Exception {
        for (String name : List.of("llama-bpe", "llama-spm")) {
            JsonNode vectors = MAPPER.readTree(Files.readString(GoldenData.path("tokenizers/" + name + ".json")));
            List<String> texts = new ArrayList<>();
            List<JsonNode> ids = new ArrayList<>();
            for (JsonNode vector : vectors) {
                texts.add(vector.get("text").asString());
                ids.add(vector.get("ids"));
            }
            Path batch = folder.resolve(name + ".json");
            Files.writeString(batch, MAPPER.writeValueAsString(texts));
            Result result = nibble(
                    "tokenize",
                    "--plain",
                    "--batch",
                    batch.toString(),
                    "-m",
                    GoldenData.path("tokenizers/" + name + ".gguf").toString());
            assertEquals(0, result.status(), result.err());
            assertEquals(MAPPER.writeValueAsString(ids), result.out().strip());
        }
    }

    @Test
    void batchesOfIdsBecomeTexts() throws Exception {
        Path batch = folder.resolve("ids.json");
        String ids = nibble("tokenize", "--plain", "--text", TEXT).out().strip().replace(' ', ',');
        Files.writeString(batch, "[[" + ids + "],[]]");
        assertEquals(
                "[\"" + TEXT + "\",\"\"]\n",
                nibble("detokenize", "--batch", batch.toString()).out());
    }
}
