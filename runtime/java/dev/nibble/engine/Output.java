package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Operation;

/** The result of one row of a step; valid only during the call that hands it over. */
public interface Output {
    /** The token of the largest logit. */
    int best();

    /** The most logits that {@link #ranked} gives. */
    int MOST_RANKED = Operation.TopK.MOST;

    /**
     * Copies the largest logits and their tokens, in falling order, the lower token first among equals, which does not bring the others to
     * the host.
     *
     * @param tokens as many as are wanted, at most {@link #MOST_RANKED} and the vocabulary
     * @param logits as many
     * @throws IllegalStateException if the listener did not say that it {@link SequenceListener#ranks}
     */
    void ranked(int[] tokens, float[] logits);

    /** Copies the logits (vocabulary). */
    void logits(float[] target);

    /** Enqueues a copy of the logits to the first row of a buffer of the last device, (any, vocabulary). */
    void logits(Buffer target);
}
