package dev.nibble.sampling;

import java.util.Map;
import java.util.OptionalLong;

/**
 * How the next token is chosen from the logits. The steps apply in the order of the components below: bias, penalties,
 * top-k, typical, top-p, min-p, temperature, draw. Make one with {@link #builder}.
 *
 * @param logitBias what is added to the logits of these tokens; −∞ rules a token out
 * @param repeatLastN over how many of the last accepted tokens penalties reach; 0: none, −1: all
 * @param repeatPenalty the logit of a token met there is divided by this if positive, else multiplied; 1: off
 * @param presencePenalty what is taken once from the logit of a token met there; 0: off
 * @param frequencyPenalty what is taken from it for each time it was met; 0: off
 * @param topK only the k most probable tokens stay; 0: all
 * @param typicalP only the tokens whose surprise is nearest to the entropy stay, until their probabilities exceed this;
 *     1: off
 * @param topP only the most probable tokens stay, as many as this probability needs; 1: off
 * @param minP only tokens of at least this share of the greatest probability stay; 0: off
 * @param temperature by what the logits that are left are divided before the draw; 0: always the most probable token,
 *     whatever the filters
 * @param seed makes the choices repeatable; a random one if absent
 * @param logProbabilities how many of the most probable tokens {@link Choice} lists with their log-probabilities; 0: no
 *     log-probabilities at all
 */
public record SamplerOptions(
        Map<Integer, Float> logitBias,
        int repeatLastN,
        float repeatPenalty,
        float presencePenalty,
        float frequencyPenalty,
        int topK,
        float typicalP,
        float topP,
        float minP,
        float temperature,
        OptionalLong seed,
        int logProbabilities) {
    /** @throws IllegalArgumentException if a value is out of its range; the message says which and the range */
    public SamplerOptions {
        logitBias = Map.copyOf(logitBias);
        logitBias.forEach(SamplerOptions::checkBias);
        check("repeatLastN", repeatLastN, repeatLastN >= -1, "at least 0, or -1 for all tokens");
        check("repeatPenalty", repeatPenalty, repeatPenalty > 0 && isFinite(repeatPenalty), "more than 0");
        check("presencePenalty", presencePenalty, isFinite(presencePenalty), "a finite number");
        check("frequencyPenalty", frequencyPenalty, isFinite(frequencyPenalty), "a finite number");
        check("topK", topK, topK >= 0, "at least 0");
        check("typicalP", typicalP, typicalP > 0 && typicalP <= 1, "more than 0 and at most 1");
        check("topP", topP, topP >= 0 && topP <= 1, "between 0 and 1");
        check("minP", minP, minP >= 0 && minP <= 1, "between 0 and 1");
        check("temperature", temperature, temperature >= 0 && isFinite(temperature), "a number of at least 0");
        check("logProbabilities", logProbabilities, logProbabilities >= 0, "at least 0");
    }

    /** The options of a builder on which nothing was set. */
    public static SamplerOptions defaults() {
        return builder().build();
    }

    /**
     * A builder with the usual values of the field: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, all else off.
     */
    public static Builder builder() {
        return new Builder();
    }

    /** Whether the choice is always the token of the largest logit, so that no other logits are needed. */
    public boolean takesBest() {
        return temperature == 0 && comparesOnly();
    }

    /** How many of the largest logits decide the choice; {@link Integer#MAX_VALUE} if all may. */
    public int decisive() {
        return takesBest() ? 1 : comparesOnly() && topK > 0 ? topK : Integer.MAX_VALUE;
    }

    /** Whether nothing but the model's own logits tells which are the largest, and no sum over all of them is asked for. */
    private boolean comparesOnly() {
        return logProbabilities == 0 && logitBias.isEmpty() && !hasPenalties();
    }

    boolean hasPenalties() {
        return repeatLastN != 0 && (repeatPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0);
    }

    private static boolean isFinite(float value) {
        return Float.isFinite(value);
    }

    private static void checkBias(int token, float bias) {
        check("a token of logitBias", token, token >= 0, "at least 0");
        check("logitBias of token " + token, bias, bias < Float.POSITIVE_INFINITY, "a finite number or -Infinity");
    }

    private static void check(String name, Number value, boolean valid, String range) {
        if (!valid) {
            throw new IllegalArgumentException(name + " is " + value + "; it must be " + range);
        }
    }

    /** Collects {@link SamplerOptions}; each method sets the component of its name. */
    public static final class Builder {
        private Map<Integer, Float> logitBias = Map.of();
        private int repeatLastN = 64;
        private float repeatPenalty = 1;
        private float presencePenalty;
        private float frequencyPenalty;
        private int topK = 40;
        private float typicalP = 1;
        private float topP = 0.95f;
        private float minP = 0.05f;
        private float temperature = 0.8f;
        private OptionalLong seed = OptionalLong.empty();
        private int logProbabilities;

        private Builder() {}

        /** Sets {@link SamplerOptions#logitBias}. */
        public Builder logitBias(Map<Integer, Float> logitBias) {
            this.logitBias = logitBias;
            return this;
        }

        /** Sets {@link SamplerOptions#repeatLastN}. */
        public Builder repeatLastN(int repeatLastN) {
            this.repeatLastN = repeatLastN;
            return this;
        }

        /** Sets {@link SamplerOptions#repeatPenalty}. */
        public Builder repeatPenalty(float repeatPenalty) {
            this.repeatPenalty = repeatPenalty;
            return this;
        }

        /** Sets {@link SamplerOptions#presencePenalty}. */
        public Builder presencePenalty(float presencePenalty) {
            this.presencePenalty = presencePenalty;
            return this;
        }

        /** Sets {@link SamplerOptions#frequencyPenalty}. */
        public Builder frequencyPenalty(float frequencyPenalty) {
            this.frequencyPenalty = frequencyPenalty;
            return this;
        }

        /** Sets {@link SamplerOptions#topK}. */
        public Builder topK(int topK) {
            this.topK = topK;
            return this;
        }

        /** Sets {@link SamplerOptions#typicalP}. */
        public Builder typicalP(float typicalP) {
            this.typicalP = typicalP;
            return this;
        }

        /** Sets {@link SamplerOptions#topP}. */
        public Builder topP(float topP) {
            this.topP = topP;
            return this;
        }

        /** Sets {@link SamplerOptions#minP}. */
        public Builder minP(float minP) {
            this.minP = minP;
            return this;
        }

        /** Sets {@link SamplerOptions#temperature}. */
        public Builder temperature(float temperature) {
            this.temperature = temperature;
            return this;
        }

        /** Sets {@link SamplerOptions#seed}. */
        public Builder seed(long seed) {
            this.seed = OptionalLong.of(seed);
            return this;
        }

        /** Sets {@link SamplerOptions#logProbabilities}. */
        public Builder logProbabilities(int logProbabilities) {
            this.logProbabilities = logProbabilities;
            return this;
        }

        /**
         * The options.
         *
         * @throws IllegalArgumentException if a value is out of its range
         */
        public SamplerOptions build() {
            return new SamplerOptions(
                    logitBias,
                    repeatLastN,
                    repeatPenalty,
                    presencePenalty,
                    frequencyPenalty,
                    topK,
                    typicalP,
                    topP,
                    minP,
                    temperature,
                    seed,
                    logProbabilities);
        }
    }
}
