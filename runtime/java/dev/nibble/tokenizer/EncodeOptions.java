package dev.nibble.tokenizer;

/**
 * How to turn text into tokens.
 *
 * @param addSpecial add the tokens at the beginning and end that the model wants (BOS, EOS, or CLS and SEP)
 * @param parseSpecial take the names of control tokens in the text for the tokens themselves; without it they are plain
 *     text, which is right for text that comes from outside
 */
public record EncodeOptions(boolean addSpecial, boolean parseSpecial) {
    /** A whole prompt: special tokens added and recognised. */
    public static final EncodeOptions PROMPT = new EncodeOptions(true, true);

    /** Plain text: nothing added, nothing recognised. */
    public static final EncodeOptions PLAIN = new EncodeOptions(false, false);
}
