package dev.nibble.engine;

import java.util.Optional;

/**
 * What becomes of a sequence's logits. Called on the engine's thread, one call at a time; must not block.
 */
public interface SequenceListener {
    /** The sequence rests until more tokens are fed. */
    int PAUSE = -1;

    /** The sequence is over; its part of the cache is given back. */
    int FINISH = -2;

    /** Whether the sequence may run: false while too much of what it gave is still unread. */
    boolean ready();

    /** Whether {@link Output#ranked} will be asked: the same answer each time. */
    default boolean ranks() {
        return false;
    }

    /**
     * Whether {@link #onLast} at a position will ask for the best token alone, and go on with it as far as is known: then the step after it
     * may begin before it is asked. It may still return something else, which makes that step vain.
     */
    default boolean takesBest(int position) {
        return false;
    }

    /** The logits of a token that is not the last one fed; only if every output was asked for. */
    void onPosition(int position, Output output);

    /**
     * The logits of the last token fed.
     *
     * @return the token that comes next, {@link #PAUSE} or {@link #FINISH}
     */
    int onLast(int position, Output output);

    /** The sequence has ended without its own doing: the engine was closed (no failure) or a step failed. */
    void onEnd(Optional<Throwable> failure);
}
