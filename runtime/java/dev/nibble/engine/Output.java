package dev.nibble.engine;

/** The result of one row of a step; valid only during the call that hands it over. */
public interface Output {
    /** The token of the largest logit. */
    int best();

    /** Copies the logits (vocabulary). */
    void logits(float[] target);
}
