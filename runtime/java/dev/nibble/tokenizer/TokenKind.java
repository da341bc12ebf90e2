package dev.nibble.tokenizer;

/** What a token stands for: the values of {@code tokenizer.ggml.token_type}. */
public enum TokenKind {
    /** Of no use to the model; stands for no text. */
    UNUSED,
    /** A piece of text. */
    NORMAL,
    /** Stands for text outside the vocabulary. */
    UNKNOWN,
    /** Structure, not text, such as the beginning of a message. */
    CONTROL,
    /** A piece of text that is matched before all others and never cut. */
    USER_DEFINED,
    /** One byte. */
    BYTE;

    /** (7): by number; 0, undefined, is {@link #UNUSED}. */
    private static final TokenKind[] BY_CODE = {UNUSED, NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE};

    /** Whether a kind has this number in a file. */
    static boolean isCode(int code) {
        return code >= 0 && code < BY_CODE.length;
    }

    /** The kind with this number in a file. */
    static TokenKind ofCode(int code) {
        return BY_CODE[code];
    }
}
