package dev.nibble.device;

/**
 * The form of an attention.
 *
 * @param heads query heads, a multiple of the cache's heads
 * @param scale the factor on the products of query and key
 * @param window the number of latest tokens seen, the row's own among them; 0: all
 * @param softcap c in c · tanh(score / c); 0: none
 */
public record AttentionForm(int heads, float scale, int window, float softcap) {
    /** Checks the ranges. */
    public AttentionForm {
        if (heads < 1 || window < 0 || !(softcap >= 0)) {
            throw new IllegalArgumentException(
                    "no attention of " + heads + " heads, window " + window + ", soft cap " + softcap);
        }
    }
}
