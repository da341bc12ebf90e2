package dev.nibble.cli;

import dev.nibble.LanguageModel;
import dev.nibble.evaluation.TextWindows;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a text is cut into windows. */
final class WindowArguments {
    private static final int USUAL_WINDOW = 512;

    @Option(names = "--windows", paramLabel = "N", description = "Take the first N windows of --ctx tokens only.")
    private @Nullable Integer most;

    /** Whether it was said how many windows to take. */
    boolean given() {
        return most != null;
    }

    /**
     * Checks the options, before a model is loaded.
     *
     * @throws IllegalArgumentException if no window would be left
     */
    void check() {
        if (most != null && most < 1) {
            throw new IllegalArgumentException("--windows must be 1 or more; given " + most);
        }
    }

    /**
     * Cuts a text.
     *
     * @param size tokens of a window; by default 512, or the model's context if that is less
     */
    TextWindows cut(LanguageModel model, String text, OptionalInt size) {
        int window = size.orElse(Math.min(USUAL_WINDOW, model.info().context()));
        return TextWindows.of(model, text, window, most == null ? 0 : most);
    }
}
