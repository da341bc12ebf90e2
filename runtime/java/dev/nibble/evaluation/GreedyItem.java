package dev.nibble.evaluation;

/**
 * A prompt and what a reference model continues it with when it always takes the likeliest token.
 *
 * @param prompt the tokens of the prompt, at least one
 * @param continuation the tokens after it, at least one
 */
public record GreedyItem(int[] prompt, int[] continuation) {
    /** Checks that there are tokens. */
    public GreedyItem {
        if (prompt.length == 0 || continuation.length == 0) {
            throw new IllegalArgumentException("an item of " + prompt.length + " tokens of prompt and "
                    + continuation.length + " of continuation; both need one or more");
        }
    }
}
