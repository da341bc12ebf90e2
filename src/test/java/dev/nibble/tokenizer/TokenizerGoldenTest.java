package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Every vector of the golden folder, token by token. */
class TokenizerGoldenTest {
    private static final JsonMapper JSON = new JsonMapper();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bert-bge",
                "deepseek-coder",
                "deepseek-llm",
                "gpt-2",
                "llama-bpe",
                "llama-spm",
                "mpt",
                "phi-3",
                "starcoder"
            })
    void encodesEveryVector(String name) {
        Tokenizer tokenizer = GoldenTokenizers.named(name);
        JsonNode vectors = JSON.readTree(GoldenData.bytes(GoldenData.path("tokenizers/" + name + ".json")));
        assertTrue(vectors.size() > 100, "only " + vectors.size() + " vectors");
        List<Executable> checks = new ArrayList<>();
        for (JsonNode vector : vectors) {
            String text = vector.get("text").asString();
            checks.add(() ->
                    assertArrayEquals(ids(vector.get("ids")), tokenizer.encodePlain(text), name + ": '" + text + "'"));
        }
        assertAll(checks);
    }

    @Test
    void encodesAndDecodesWhatTheTinyModelSaid() {
        String[] lines =
                new String(GoldenData.bytes(GoldenData.path("eval/greedy.jsonl")), StandardCharsets.UTF_8).split("\n");
        assertTrue(lines.length > 10, "only " + lines.length + " items");
        for (String line : lines) {
            JsonNode item = JSON.readTree(line);
            Tokenizer tokenizer = GoldenTokenizers.at(item.get("model").asString());
            String prompt = item.get("prompt").asString();
            assertArrayEquals(ids(item.get("prompt_ids")), tokenizer.encode(prompt), prompt);
            assertEquals(prompt, tokenizer.decode(ids(item.get("prompt_ids"))));
            String text = item.get("text").asString();
            assertEquals(text, tokenizer.decode(ids(item.get("ids"))));
            TokenDecoder decoder = tokenizer.decoder();
            StringBuilder streamed = new StringBuilder();
            for (int id : ids(item.get("ids"))) {
                streamed.append(decoder.accept(id));
            }
            assertEquals(text, streamed.append(decoder.flush()).toString());
        }
    }

    private static int[] ids(JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = array.get(i).asInt();
        }
        return ids;
    }
}
