package dev.nibble.model;

/**
 * The expert feed-forward layers of a model.
 *
 * @param count experts in a layer
 * @param used experts that each token uses
 * @param feedForward the inner width of one expert
 * @param scale a factor on the experts' weights
 */
public record ExpertConfig(int count, int used, int feedForward, float scale) {}
