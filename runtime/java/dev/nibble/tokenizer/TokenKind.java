package dev.nibble.tokenizer;

/** What a token stands for: the values of {@code tokenizer.ggml.token_type}. */
public enum TokenKind {
    /** Of no use to the model; stands for no text. */
    UNUSED(5),
    /** A piece of text. */
    NORMAL(1),
    /** Stands for text outside the vocabulary. */
    UNKNOWN(2),
    /** Structure, not text, such as the beginning of a message. */
    CONTROL(3),
    /** A piece of text that is matched before all others and never cut. */
    USER_DEFINED(4),
    /** One byte. */
    BYTE(6);

    private final int code;

    TokenKind(int code) {
        this.code = code;
    }

    /** The kind with this number in a file; 0, undefined, is {@link #UNUSED}. */
    static TokenKind ofCode(int code) {
        for (TokenKind kind : values()) {
            if (kind.code == code) {
                return kind;
            }
        }
        if (code == 0) {
            return UNUSED;
        }
        throw new IllegalArgumentException("no kind of token has the number " + code);
    }
}
