package dev.nibble.sampling;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the next token of one generation: bias, penalties, top-k, typical, top-p, min-p, temperature, draw, which is
 * the order of llama.cpp. Each filter keeps at least one token. With the same seed, the same logits lead to the same
 * choices on every machine and Java version; a draw takes one number of the generator, a greedy choice takes none. Not
 * thread-safe.
 *
 * <pre>{@code
 * Sampler sampler = new Sampler(SamplerOptions.builder().temperature(0.7f).seed(1).build(), vocabularySize);
 * for (int token : prompt) {
 *     sampler.accept(token);
 * }
 * int next = sampler.sample(logits).token();
 * sampler.accept(next);
 * }</pre>
 */
public final class Sampler {
    private final SamplerOptions options;
    private final int vocabularySize;
    private final long seed;
    private final SplitMix random;
    private final Candidates candidates;
    private final @Nullable Penalties penalties;
    private float[] row = new float[0];

    /**
     * A sampler that has accepted no token yet.
     *
     * @param options how to choose
     * @param vocabularySize the length of each row of logits
     * @throws IllegalArgumentException if the options name a token outside of the vocabulary
     */
    public Sampler(SamplerOptions options, int vocabularySize) {
        for (int token : options.logitBias().keySet()) {
            if (token >= vocabularySize) {
                throw new IllegalArgumentException("logitBias names token " + token + ", but the vocabulary has only "
                        + vocabularySize + " tokens");
            }
        }
        this.options = options;
        this.vocabularySize = vocabularySize;
        seed = options.seed().orElseGet(() -> new SplittableRandom().nextLong());
        random = new SplitMix(seed);
        candidates = new Candidates(vocabularySize);
        penalties = options.hasPenalties() ? new Penalties(options, vocabularySize) : null;
    }

    /** The seed in use: that of the options, or the random one taken in its place. */
    public long seed() {
        return seed;
    }

    /**
     * Records a token of the prompt or of the generated text, for the penalties.
     *
     * @throws IndexOutOfBoundsException if the vocabulary has no such token
     */
    public void accept(int token) {
        Objects.checkIndex(token, vocabularySize);
        if (penalties != null) {
            penalties.accept(token);
        }
    }

    /**
     * Chooses a token; {@link #accept} it, if it becomes part of the text.
     *
     * @param logits one row of logits (vocabulary); not changed. −∞ rules a token out
     * @throws IllegalArgumentException if a logit is NaN or +∞, or if all are −∞
     */
    public Choice sample(float[] logits) {
        return sample(logits, 0);
    }

    /**
     * Chooses a token from logits in native memory.
     *
     * @param logits float32 values of the machine's byte order
     * @param offset byte offset of the row (vocabulary)
     * @throws IllegalArgumentException if a logit is NaN or +∞, or if all are −∞
     */
    public Choice sample(MemorySegment logits, long offset) {
        if (row.length == 0) {
            row = new float[vocabularySize];
        }
        MemorySegment.copy(logits, ValueLayout.JAVA_FLOAT_UNALIGNED, offset, row, 0, vocabularySize);
        return sample(row, 0);
    }

    /**
     * Chooses a token from one of several rows.
     *
     * @param logits rows of logits; not changed
     * @param at index of the row's first logit
     * @throws IllegalArgumentException if a logit is NaN or +∞, or if all are −∞
     */
    public Choice sample(float[] logits, int at) {
        Objects.checkFromIndexSize(at, vocabularySize, logits.length);
        candidates.load(logits, at);
        for (Map.Entry<Integer, Float> bias : options.logitBias().entrySet()) {
            int token = bias.getKey();
            candidates.setLogit(token, candidates.logitOf(token) + bias.getValue());
        }
        if (penalties != null) {
            penalties.apply(candidates);
        }
        candidates.dropRuledOut();
        int token = choose();
        return options.logProbabilities() == 0
                ? new Choice(token, Float.NaN, List.of())
                : withLogProbabilities(token, logits, at);
    }

    /**
     * Chooses a token from the largest logits; what it chooses is what it would choose from all of them.
     *
     * @param tokens those of the largest logits, in falling order, the lower one first among equals: at least as many as
     *     are {@link SamplerOptions#decisive}, or all
     * @param largest their logits
     * @throws IllegalArgumentException if these do not decide, a logit is NaN or +∞, or all are −∞
     */
    public Choice sample(int[] tokens, float[] largest) {
        if (tokens.length != largest.length || tokens.length < Math.min(options.decisive(), vocabularySize)) {
            throw new IllegalArgumentException(tokens.length + " tokens and " + largest.length
                    + " logits do not decide: the largest " + Math.min(options.decisive(), vocabularySize)
                    + " of each are needed");
        }
        candidates.load(tokens, largest);
        candidates.dropRuledOut();
        return new Choice(choose(), Float.NaN, List.of());
    }

    private int choose() {
        if (options.temperature() == 0) {
            return candidates.best();
        }
        if (options.topK() > 0) {
            candidates.keepTop(options.topK());
        }
        if (options.typicalP() < 1) {
            candidates.keepTypical(options.typicalP());
        }
        if (options.topP() < 1) {
            candidates.keepNucleus(options.topP());
        }
        if (options.minP() > 0) {
            candidates.keepLikely(options.minP());
        }
        return candidates.draw(options.temperature(), random.nextDouble());
    }

    private Choice withLogProbabilities(int token, float[] logits, int at) {
        candidates.load(logits, at);
        double logTotal = candidates.logTotal();
        candidates.keepTop(options.logProbabilities());
        List<Choice.Alternative> top = new ArrayList<>();
        for (int i = 0; i < Math.min(candidates.count(), options.logProbabilities()); i++) {
            top.add(new Choice.Alternative(candidates.token(i), (float) (candidates.logit(i) - logTotal)));
        }
        return new Choice(token, (float) (logits[at + token] - logTotal), top);
    }
}
