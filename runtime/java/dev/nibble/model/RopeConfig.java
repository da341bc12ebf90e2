package dev.nibble.model;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.gguf.Metadata;
import org.jspecify.annotations.Nullable;

/**
 * Rotary position embedding (Su et al., 2021) of a model.
 *
 * @param dimensions values of a head that are turned, an even number
 * @param base the base of the frequencies
 * @param linearFactor positions are divided by it (Chen et al., 2023); 1: no scaling
 * @param yarn which pairs are not divided, or not wholly; none: all are divided
 */
public record RopeConfig(
        int dimensions,
        float base,
        float linearFactor,
        @Nullable Yarn yarn) {
    /** Positions divided alike for all pairs. */
    public RopeConfig(int dimensions, float base, float linearFactor) {
        this(dimensions, base, linearFactor, null);
    }

    /**
     * Scaling that keeps the fast pairs as they were trained (YaRN, Peng et al., 2023).
     *
     * @param context tokens that the model was trained on before
     * @param fast pairs that turn so often in that context are kept
     * @param slow pairs that turn so seldom are divided
     * @param magnitude the factor on turned values
     * @param scoreFactor the factor on the scores of attention
     */
    public record Yarn(int context, float fast, float slow, float magnitude, float scoreFactor) {
        private static final float FAST = 32;
        private static final float SLOW = 1;
        private static final double MAGNITUDE = 0.1;

        /** @param latent whether the model lets the scores grow, not queries and keys */
        static Yarn of(Metadata metadata, String prefix, float factor, boolean latent) {
            String scaling = prefix + "rope.scaling.";
            int context = metadata.intOr(scaling + "original_context_length", 0);
            if (context < 1) {
                throw metadata.invalid(
                        scaling + "original_context_length", context + " is no length of a context to scale from");
            }
            double growth = Math.log(factor);
            double attention = metadata.floatOr(scaling + "attn_factor", 1f);
            double score = attention * (1 + metadata.floatOr(scaling + "yarn_log_multiplier", 0f) * growth);
            return new Yarn(
                    context,
                    metadata.floatOr(scaling + "yarn_beta_fast", FAST),
                    metadata.floatOr(scaling + "yarn_beta_slow", SLOW),
                    latent ? 1 : (float) (attention * (1 + MAGNITUDE * growth)),
                    latent ? (float) (score * score) : 1);
        }

        /** The share of its frequency that each pair keeps. */
        private float[] kept(int dimensions, double base) {
            double first = Math.max(0, Math.floor(pair(fast, dimensions, base)));
            double last = Math.min(dimensions - 1, Math.ceil(pair(slow, dimensions, base)));
            float[] kept = new float[dimensions / 2];
            for (int pair = 0; pair < kept.length; pair++) {
                kept[pair] = (float) (1 - Math.clamp((pair - first) / Math.max(0.001, last - first), 0, 1));
            }
            return kept;
        }

        /** The pair, as a fraction, that turns so often in the context. */
        private double pair(double turns, int dimensions, double base) {
            return dimensions * Math.log(context / (turns * 2 * Math.PI)) / (2 * Math.log(base));
        }
    }

    /** @param latent whether the model has latent attention */
    static RopeConfig of(Metadata metadata, String prefix, int headSize, boolean latent) {
        int dimensions = metadata.intOr(prefix + "rope.dimension_count", headSize);
        if (dimensions < 2 || dimensions > headSize || dimensions % 2 != 0) {
            throw metadata.invalid(
                    prefix + "rope.dimension_count",
                    dimensions + " is no even number from 2 to the head size " + headSize);
        }
        float base = metadata.floatOr(prefix + "rope.freq_base", 10000f);
        String scaling = metadata.stringOr(prefix + "rope.scaling.type", "none");
        float factor =
                metadata.floatOr(prefix + "rope.scaling.factor", metadata.floatOr(prefix + "rope.scale_linear", 1f));
        if (!(factor > 0) || !(base > 0)) {
            throw metadata.invalid(
                    prefix + "rope.scaling.factor", "factor " + factor + " and base " + base + " must be positive");
        }
        return switch (scaling) {
            case "none" ->
                new RopeConfig(dimensions, base, metadata.contains(prefix + "rope.scaling.type") ? 1f : factor);
            case "linear" -> new RopeConfig(dimensions, base, factor);
            case "yarn" -> new RopeConfig(dimensions, base, factor, Yarn.of(metadata, prefix, factor, latent));
            default ->
                throw new UnsupportedFeatureException(
                        "the rope scaling '" + scaling + "' (" + prefix
                                + "rope.scaling.type) is not supported; none, linear and yarn are, and Llama 3's by rope_freqs");
        };
    }

    /** The factor on turned values. */
    public float magnitude() {
        return yarn == null ? 1 : yarn.magnitude();
    }

    /** The factor on the scores of attention. */
    public float scoreFactor() {
        return yarn == null ? 1 : yarn.scoreFactor();
    }

    /**
     * The angle per position of each pair, in radians.
     *
     * @param factors a divisor for each pair, as Llama 3 scales them, dimensions / 2 values; empty: none
     * @return dimensions / 2 frequencies
     */
    public float[] frequencies(float[] factors) {
        float[] frequencies = new float[dimensions / 2];
        float[] kept = yarn == null ? new float[frequencies.length] : yarn.kept(dimensions, base);
        for (int pair = 0; pair < frequencies.length; pair++) {
            double whole = Math.pow(base, -2.0 * pair / dimensions);
            double frequency = whole / linearFactor * (1 - kept[pair]) + whole * kept[pair];
            frequencies[pair] = (float) (factors.length == 0 ? frequency : frequency / factors[pair]);
        }
        return frequencies;
    }
}
