package dev.nibble.model;

/** How several devices share a model. */
public enum Split {
    /** By layers, or within layers where the model fits only so. */
    AUTO,
    /** Each has some of the layers. */
    LAYER,
    /** Each has a part of every layer. */
    TENSOR
}
