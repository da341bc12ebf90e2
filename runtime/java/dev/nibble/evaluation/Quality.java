package dev.nibble.evaluation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How well a model predicts a text.
 *
 * @param perplexity e to the mean surprise: among so many equally likely tokens the model hesitates, on average
 * @param windows windows that the text was cut into
 * @param window tokens of a window
 * @param tokens predictions that were counted
 * @param running the perplexity over the first window, the first two, and so on
 * @param divergence what separates it from the base model; null if none was given
 */
public record Quality(
        Estimate perplexity,
        int windows,
        int window,
        int tokens,
        List<Estimate> running,
        @Nullable Divergence divergence) {
    /** Copies the list. */
    public Quality {
        running = List.copyOf(running);
    }
}
