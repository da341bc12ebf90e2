package dev.nibble.tokenizer;

/** Turns a fragment of text without special tokens into tokens: one per kind of vocabulary. Thread-safe. */
sealed interface Encoder permits BytePairEncoder, CharacterEncoder, ComposingEncoder, WordPieceEncoder {
    /**
     * @param text UTF-8
     * @param from where the fragment begins
     * @param to where it ends
     * @param first whether it begins the text or follows a special token
     * @param out gets the tokens
     */
    void encode(byte[] text, int from, int to, boolean first, IntList out);
}
