package dev.nibble.device;

/** Hears what goes into the matrix products of a model. */
@FunctionalInterface
public interface ProductObserver {
    /** Rows are multiplied. One call at a time, on the engine's thread; the arrays are the observer's to keep. */
    void observe(ProductInput input);
}
