package dev.nibble.device;

/** How a row of activations is normalised. */
public enum NormKind {
    /** Divided by the root of its mean square (Zhang and Sennrich, 2019). */
    RMS,
    /** Its mean taken off, then divided by its standard deviation (Ba, Kiros and Hinton, 2016). */
    LAYER
}
