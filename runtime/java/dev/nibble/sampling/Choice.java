package dev.nibble.sampling;

import java.util.List;

/**
 * A chosen token. Log-probabilities are natural logarithms of the softmax of the model's own logits, before bias,
 * penalties, filters and temperature.
 *
 * @param token its id
 * @param logProbability its log-probability; NaN if {@link SamplerOptions#logProbabilities} is 0
 * @param top the most probable tokens, most probable first; empty if {@link SamplerOptions#logProbabilities} is 0. The
 *     chosen token need not be among them
 */
public record Choice(int token, float logProbability, List<Alternative> top) {
    /**
     * A token that could have been chosen.
     *
     * @param token its id
     * @param logProbability its log-probability, −∞ if the model rules it out
     */
    public record Alternative(int token, float logProbability) {}

    /** Keeps its own copy of the list. */
    public Choice {
        top = List.copyOf(top);
    }
}
