package dev.nibble.engine;

import dev.nibble.device.Buffer;

/** The result of one row of a step; valid only during the call that hands it over. */
public interface Output {
    /** The token of the largest logit. */
    int best();

    /** Copies the logits (vocabulary). */
    void logits(float[] target);

    /** Enqueues a copy of the logits to the first row of a buffer of the last device, (any, vocabulary). */
    void logits(Buffer target);
}
