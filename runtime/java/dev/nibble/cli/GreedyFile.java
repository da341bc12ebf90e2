package dev.nibble.cli;

import dev.nibble.LanguageModel;
import dev.nibble.evaluation.GreedyItem;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Continuations of a reference, a JSON object to the line: {@code prompt_ids} and {@code ids} are arrays of tokens. */
record GreedyFile(Path path) {
    /**
     * Reads the items.
     *
     * @throws IOException if the file cannot be read, if a line is no item, or if its prompt has other tokens in this model
     */
    List<GreedyItem> read(LanguageModel model) throws IOException {
        List<GreedyItem> items = new ArrayList<>();
        List<String> lines = TextArguments.read(path).lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).isBlank()) {
                items.add(item(lines.get(i), path + ", line " + (i + 1), model));
            }
        }
        if (items.isEmpty()) {
            throw new IOException(path + " holds no items");
        }
        return items;
    }

    private static GreedyItem item(String line, String place, LanguageModel model) throws IOException {
        JsonNode json = Json.parse(line, JsonNode.class, place, "a JSON object");
        int[] prompt = tokens(json, "prompt_ids", place, model);
        int[] continuation = tokens(json, "ids", place, model);
        if (json.path("prompt").isString()
                && !Arrays.equals(prompt, model.tokenize(json.path("prompt").asString()))) {
            throw new IOException(place + ": the prompt has other tokens in this model, whose vocabulary is another");
        }
        return new GreedyItem(prompt, continuation);
    }

    private static int[] tokens(JsonNode json, String key, String place, LanguageModel model) throws IOException {
        JsonNode array = json.path(key);
        if (!array.isArray() || array.isEmpty()) {
            throw new IOException(place + ": '" + key + "' is not an array of tokens");
        }
        int vocabulary = model.info().vocabulary();
        int[] tokens = new int[array.size()];
        for (int i = 0; i < tokens.length; i++) {
            JsonNode token = array.get(i);
            if (!token.isInt() || token.asInt() < 0 || token.asInt() >= vocabulary) {
                throw new IOException(
                        place + ": " + token + " in '" + key + "' is not one of the model's " + vocabulary + " tokens");
            }
            tokens[i] = token.asInt();
        }
        return tokens;
    }
}
