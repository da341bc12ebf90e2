package dev.nibble;

/** Hears how far the loading of a model is. */
@FunctionalInterface
public interface LoadProgress {
    /**
     * @param doneBytes bytes of weights loaded
     * @param totalBytes bytes of weights in all
     */
    void accept(long doneBytes, long totalBytes);
}
