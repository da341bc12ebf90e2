package dev.nibble.model;

/** How several devices share a model. */
public enum Split {
    /** The way that fits; if both do, the one that a measurement of the devices says is faster. */
    AUTO,
    /** Each has some of the layers. */
    LAYER,
    /** Each has a part of every layer. */
    TENSOR
}
