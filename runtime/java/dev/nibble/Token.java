package dev.nibble;

import java.util.List;

/**
 * One step of a generation.
 *
 * @param id the token
 * @param text what can be shown now: empty while a character or a possible stop string is incomplete
 * @param logProbability natural logarithm of the token's probability; NaN unless log-probabilities were asked for
 * @param alternatives the likeliest tokens, the likeliest first; empty unless asked for
 */
public record Token(int id, String text, float logProbability, List<Alternative> alternatives) {
    /**
     * A token that could have come.
     *
     * @param id the token
     * @param logProbability natural logarithm of its probability
     */
    public record Alternative(int id, float logProbability) {}
}
