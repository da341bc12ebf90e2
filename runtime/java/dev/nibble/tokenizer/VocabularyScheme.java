package dev.nibble.tokenizer;

import dev.nibble.UnsupportedFeatureException;
import java.util.Arrays;
import java.util.stream.Collectors;

/** The kinds of vocabulary, by the value of {@code tokenizer.ggml.model}. */
public enum VocabularyScheme {
    /** SentencePiece's bigram model with byte fallback. */
    SENTENCE_PIECE("llama"),
    /** Byte-level byte-pair encoding. */
    BYTE_PAIR("gpt2"),
    /** Byte-pair encoding over characters, with byte fallback. */
    CHARACTER_PAIR("gemma4"),
    /** WordPiece. */
    WORD_PIECE("bert");

    private final String name;

    VocabularyScheme(String name) {
        this.name = name;
    }

    /** The scheme of this name. @throws UnsupportedFeatureException for any other */
    static VocabularyScheme ofName(String name) {
        for (VocabularyScheme scheme : values()) {
            if (scheme.name.equals(name)) {
                return scheme;
            }
        }
        String known = Arrays.stream(values()).map(scheme -> scheme.name).collect(Collectors.joining(", "));
        throw new UnsupportedFeatureException(
                "tokenizer.ggml.model is '" + name + "'; the kinds of vocabulary that are known are: " + known);
    }
}
