package dev.nibble.evaluation;

/** Hears how far a measurement is. */
@FunctionalInterface
public interface PerplexityProgress {
    /**
     * A window has been measured. One call at a time.
     *
     * @param done windows measured so far
     * @param total windows in all
     * @param perplexity the perplexity over those measured so far
     */
    void accept(int done, int total, Estimate perplexity);
}
