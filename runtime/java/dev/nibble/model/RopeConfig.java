package dev.nibble.model;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.gguf.Metadata;

/**
 * Rotary position embedding (Su et al., 2021) of a model.
 *
 * @param dimensions values of a head that are turned, an even number
 * @param base the base of the frequencies
 * @param linearFactor positions are divided by it (Chen et al., 2023); 1: no scaling
 */
public record RopeConfig(int dimensions, float base, float linearFactor) {
    static RopeConfig of(Metadata metadata, String prefix, int headSize) {
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
            default ->
                throw new UnsupportedFeatureException("the rope scaling '" + scaling + "' (" + prefix
                        + "rope.scaling.type) is not supported; none and linear are, and Llama 3's by rope_freqs");
        };
    }

    /**
     * The angle per position of each pair, in radians.
     *
     * @param factors a divisor for each pair, as Llama 3 scales them, dimensions / 2 values; empty: none
     * @return dimensions / 2 frequencies
     */
    public float[] frequencies(float[] factors) {
        float[] frequencies = new float[dimensions / 2];
        for (int pair = 0; pair < frequencies.length; pair++) {
            double frequency = Math.pow(base, -2.0 * pair / dimensions) / linearFactor;
            frequencies[pair] = (float) (factors.length == 0 ? frequency : frequency / factors[pair]);
        }
        return frequencies;
    }
}
