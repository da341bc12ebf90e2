package dev.nibble.device;

/** The non-linear function of a gated feed-forward layer. */
public enum Activation {
    /** x · sigmoid(x). */
    SILU,
    /** The Gaussian error linear unit in its tanh form. */
    GELU
}
