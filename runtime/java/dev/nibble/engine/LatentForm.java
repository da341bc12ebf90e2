package dev.nibble.engine;

/** How attention over latent vectors is computed: see {@link LatentCost}. */
public enum LatentForm {
    /** As a step takes fewer operations. */
    AUTO,
    /** Queries are taken to the space of latent vectors, which all heads then share as keys and values. */
    ABSORBED,
    /** Keys and values of each head are made of the latent vectors, a tile of tokens at a time. */
    MATERIALISED
}
