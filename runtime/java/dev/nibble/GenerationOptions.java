package dev.nibble;

import dev.nibble.sampling.SamplerOptions;
import java.util.List;
import java.util.Map;

/**
 * How text is generated.
 *
 * @param maxTokens the most tokens to generate; 0: until the model ends its text or the context is full
 * @param stop strings that end the text and are not part of it
 * @param sampling how each token is chosen
 */
public record GenerationOptions(int maxTokens, List<String> stop, SamplerOptions sampling) {
    /** No limit of tokens, no stop strings, the usual sampling of the field. */
    public static final GenerationOptions DEFAULT = builder().build();

    /** Checks the ranges. */
    public GenerationOptions {
        stop = List.copyOf(stop);
        if (maxTokens < 0) {
            throw new IllegalArgumentException("maxTokens is " + maxTokens + "; it must be at least 0 (no limit)");
        }
        if (stop.contains("")) {
            throw new IllegalArgumentException("a stop string is empty");
        }
    }

    /** Starts from the defaults: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects options. */
    public static final class Builder {
        private final SamplerOptions.Builder sampling = SamplerOptions.builder();
        private int maxTokens;
        private List<String> stop = List.of();

        private Builder() {}

        /** The most tokens to generate; 0: no limit. */
        public Builder maxTokens(int tokens) {
            this.maxTokens = tokens;
            return this;
        }

        /** Strings that end the text and are not part of it. */
        public Builder stop(String... strings) {
            this.stop = List.of(strings);
            return this;
        }

        /** Always the most probable token: temperature 0. */
        public Builder greedy() {
            return temperature(0);
        }

        /** Divides the logits before the draw; 0: always the most probable token. */
        public Builder temperature(float value) {
            sampling.temperature(value);
            return this;
        }

        /** Only the k most probable tokens stay; 0: all. */
        public Builder topK(int k) {
            sampling.topK(k);
            return this;
        }

        /** Only the most probable tokens stay, as many as this probability needs; 1: off. */
        public Builder topP(float p) {
            sampling.topP(p);
            return this;
        }

        /** Only tokens of at least this share of the greatest probability stay; 0: off. */
        public Builder minP(float p) {
            sampling.minP(p);
            return this;
        }

        /** Only tokens of nearly typical surprise stay, until their probabilities exceed this; 1: off. */
        public Builder typicalP(float p) {
            sampling.typicalP(p);
            return this;
        }

        /** Makes tokens that were met less likely; 1: off. */
        public Builder repeatPenalty(float penalty) {
            sampling.repeatPenalty(penalty);
            return this;
        }

        /** Over how many of the last tokens penalties reach; 0: none, −1: all. */
        public Builder repeatLastN(int tokens) {
            sampling.repeatLastN(tokens);
            return this;
        }

        /** Taken once from the logit of a token that was met; 0: off. */
        public Builder presencePenalty(float penalty) {
            sampling.presencePenalty(penalty);
            return this;
        }

        /** Taken from the logit of a token each time it was met; 0: off. */
        public Builder frequencyPenalty(float penalty) {
            sampling.frequencyPenalty(penalty);
            return this;
        }

        /** Added to the logits of these tokens; −∞ rules a token out. */
        public Builder logitBias(Map<Integer, Float> bias) {
            sampling.logitBias(bias);
            return this;
        }

        /** The same seed gives the same text. */
        public Builder seed(long seed) {
            sampling.seed(seed);
            return this;
        }

        /** How many of the likeliest tokens to list with each token; 0: no log-probabilities. */
        public Builder logProbabilities(int alternatives) {
            sampling.logProbabilities(alternatives);
            return this;
        }

        /** The options. */
        public GenerationOptions build() {
            return new GenerationOptions(maxTokens, stop, sampling.build());
        }
    }
}
