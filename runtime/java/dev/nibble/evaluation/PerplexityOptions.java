package dev.nibble.evaluation;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What to measure beside the perplexity.
 *
 * @param saveTo where to save the predictions, for other models to be compared with; null: nowhere
 * @param against the saved predictions of a base model to compare with; null: none
 * @param onProgress hears how far the measurement is, and what it gives so far
 */
public record PerplexityOptions(
        @Nullable Path saveTo, @Nullable Path against, PerplexityProgress onProgress) {
    /** The perplexity alone. */
    public static final PerplexityOptions DEFAULT = new PerplexityOptions(null, null, (done, total, perplexity) -> {});
}
