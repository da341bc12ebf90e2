package dev.nibble.sampling;

import java.util.Arrays;

/** The penalties of tokens met among the last accepted ones, as llama.cpp defines them. */
final class Penalties {
    private static final int FIRST_CAPACITY = 64;

    private final SamplerOptions options;

    /** How often each token occurs among those in reach. */
    private final int[] occurrences; // (vocabulary)

    /** The tokens in reach: a ring that grows up to the reach. */
    private int[] recent;

    private int count;
    private int oldest;

    Penalties(SamplerOptions options, int vocabularySize) {
        this.options = options;
        occurrences = new int[vocabularySize];
        recent = new int[FIRST_CAPACITY];
    }

    /** Records a token. */
    void accept(int token) {
        if (count == options.repeatLastN()) {
            occurrences[recent[oldest]]--;
            recent[oldest] = token;
            oldest = (oldest + 1) % count;
        } else {
            if (count == recent.length) {
                recent = Arrays.copyOf(recent, 2 * count);
            }
            recent[count++] = token;
        }
        occurrences[token]++;
    }

    /** Lowers the logits of the tokens in reach. */
    void apply(Candidates candidates) {
        for (int i = 0; i < count; i++) {
            int token = recent[i];
            int met = occurrences[token];
            if (met > 0) {
                candidates.setLogit(token, penalized(candidates.logitOf(token), met));
                // Marks the token as done, however often it comes again.
                occurrences[token] = -met;
            }
        }
        for (int i = 0; i < count; i++) {
            occurrences[recent[i]] = Math.abs(occurrences[recent[i]]);
        }
    }

    private float penalized(float logit, int met) {
        float repeated = logit > 0 ? logit / options.repeatPenalty() : logit * options.repeatPenalty();
        return repeated - met * options.frequencyPenalty() - options.presencePenalty();
    }
}
