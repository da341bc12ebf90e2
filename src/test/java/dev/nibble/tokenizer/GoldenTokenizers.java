package dev.nibble.tokenizer;

import dev.nibble.GoldenData;
import dev.nibble.gguf.GgufFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The tokenizers of the golden vocabularies, each read once. */
final class GoldenTokenizers {
    private static final Map<Path, Tokenizer> OPEN = new ConcurrentHashMap<>();

    private GoldenTokenizers() {}

    /** By file name in the folder of tokenizers, such as {@code llama-bpe}. */
    static Tokenizer named(String name) {
        return at("tokenizers/" + name + ".gguf");
    }

    /** By path in the golden folder. */
    static Tokenizer at(String relative) {
        return OPEN.computeIfAbsent(GoldenData.path(relative), GoldenTokenizers::open);
    }

    /** As above, but read anew: with empty caches. */
    static Tokenizer fresh(String relative) {
        return open(GoldenData.path(relative));
    }

    private static Tokenizer open(Path path) {
        try (GgufFile file = GgufFile.open(path)) {
            return Tokenizer.of(file.metadata());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
