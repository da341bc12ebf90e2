package dev.nibble.evaluation;

/**
 * What was measured of one choice of weights and context.
 *
 * @param name the weights: a type, or a file's name
 * @param context how keys and values are stored
 * @param fileBytes bytes of the weights in their file
 * @param parameters the number of weights
 * @param memory bytes that the model takes with the wanted context
 * @param speed for one user
 * @param quality on the text; without a divergence for the base itself
 */
public record Trial(
        String name, String context, long fileBytes, long parameters, long memory, Speed speed, Quality quality) {
    private static final int BITS = 8;

    /** Bits of a weight, with its share of the scales. */
    public double bitsPerWeight() {
        return (double) fileBytes * BITS / parameters;
    }

    /** The mean Kullback–Leibler divergence from the base, in nats; 0 for the base. */
    public double loss() {
        Divergence divergence = quality.divergence();
        return divergence == null ? 0 : Math.max(0, divergence.kl().mean().value());
    }

    /** Whether all others are compared with this. */
    public boolean isBase() {
        return quality.divergence() == null;
    }
}
