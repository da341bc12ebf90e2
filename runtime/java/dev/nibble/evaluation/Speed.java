package dev.nibble.evaluation;

import dev.nibble.LanguageModel;
import dev.nibble.TokenSession;
import java.util.Arrays;

/**
 * How fast a model is for one user.
 *
 * @param prompt tokens per second of a prompt
 * @param generation tokens per second after it, one at a time
 * @param depth tokens before those that were generated
 */
public record Speed(double prompt, double generation, int depth) {
    private static final int MOST_GENERATED = 24;
    private static final int LEAST_ROUNDS = 2;
    private static final int MOST_ROUNDS = 24;
    private static final long BUDGET_NANOS = 2_000_000_000;
    private static final double NANOS = 1e9;

    /**
     * Measures a model: the best of some rounds, more of them where they are short, so that neither compilation nor what else the
     * machine does counts.
     *
     * @param tokens a text to take prompts from
     * @param length tokens of a prompt with those that are generated after it, at most the context
     */
    static Speed measure(LanguageModel model, int[] tokens, int length) {
        int generated = Math.min(MOST_GENERATED, length / 2);
        int depth = length - generated;
        double prompt = 0;
        double generation = 0;
        long end = System.nanoTime() + BUDGET_NANOS;
        for (int round = 0; round < LEAST_ROUNDS || round < MOST_ROUNDS && System.nanoTime() < end; round++) {
            int[] part = part(tokens, round, length);
            try (TokenSession session = model.session()) {
                long start = System.nanoTime();
                session.feed(Arrays.copyOf(part, depth));
                long middle = System.nanoTime();
                for (int i = depth; i < length; i++) {
                    session.feed(part[i]);
                }
                prompt = Math.max(prompt, depth * NANOS / (middle - start));
                generation = Math.max(generation, generated * NANOS / (System.nanoTime() - middle));
            }
        }
        return new Speed(prompt, generation, depth);
    }

    /** Other tokens in each round, and none that a text begins with, or the cache would know the prompt. */
    private static int[] part(int[] tokens, int round, int length) {
        int[] part = new int[length];
        for (int i = 0; i < length; i++) {
            part[i] = tokens[(i + 1 + round * (length + 1)) % tokens.length];
        }
        return part;
    }
}
