package dev.nibble;

/** Why a generation ended. */
public enum FinishReason {
    /** The model ended its text. */
    END_OF_TEXT,
    /** A stop string was reached; it is not part of the text. */
    STOP_STRING,
    /** As many tokens were generated as were asked for. */
    MAX_TOKENS,
    /** The context can hold no more tokens. */
    CONTEXT_FULL,
    /** It was cancelled, or the model was closed. */
    CANCELLED
}
