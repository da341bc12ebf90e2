package dev.nibble.evaluation;

import dev.nibble.ModelOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What to tune, and for what.
 *
 * @param base the model in the most bits that there is
 * @param variants files of the same model in fewer bits, to be measured instead of made ones
 * @param text the text to measure on
 * @param calibrationText the text to find out with which columns matter, before variants are made
 * @param contextLength tokens of context to make room for; 0: what the model was trained on, at most 4096
 * @param memoryLimit the most bytes of memory; {@code Long.MAX_VALUE}: no limit
 * @param preference what matters most
 * @param window tokens of a window of text; 0: 512, or what the model was trained on if that is less
 * @param windows the most windows of text to measure on; 0: 16384 tokens of them, or what the base reads in a minute
 * @param model options to open models with, but for context and its storage
 * @param allowRequantize whether variants may be made of a base that is quantized already; their losses add up
 * @param work an existing folder with room for three variants, which are deleted after they were measured
 * @param keep where to put the recommended variant, if it was made, on the disk of {@code work}; null: nowhere
 * @param onStep hears, in a line, what is done next or was found
 * @param onProgress hears how far each measurement is
 */
public record TuningOptions(
        Path base,
        List<Path> variants,
        String text,
        String calibrationText,
        int contextLength,
        long memoryLimit,
        Preference preference,
        int window,
        int windows,
        Supplier<ModelOptions.Builder> model,
        boolean allowRequantize,
        Path work,
        @Nullable Path keep,
        Consumer<String> onStep,
        PerplexityProgress onProgress) {
    private static final int USUAL_WINDOW = 512;
    private static final int USUAL_TOKENS = 16384;

    /** Checks the numbers. */
    public TuningOptions {
        variants = List.copyOf(variants);
        if (contextLength < 0 || memoryLimit < 1 || window < 0 || windows < 0) {
            throw new IllegalArgumentException("no tuning for a context of " + contextLength + " tokens, " + memoryLimit
                    + " bytes of memory and " + windows + " windows of " + window);
        }
    }

    /**
     * Starts from the defaults: on the texts that come with the library, without a limit of memory.
     *
     * @param base the model in the most bits that there is
     * @throws IOException if the texts cannot be read
     */
    public static Builder builder(Path base) throws IOException {
        return new Builder(base, SampleText.read(), SampleText.readCalibration());
    }

    /** Tokens of a window of a model that was trained on so many at once. */
    int windowFor(int trainedContext) {
        return Math.min(trainedContext, window == 0 ? USUAL_WINDOW : window);
    }

    /** The most windows of this size. */
    int windowsOf(int size) {
        return windows == 0 ? Math.max(1, USUAL_TOKENS / size) : windows;
    }

    /** Collects options. */
    public static final class Builder {
        private final Path base;
        private List<Path> variants = List.of();
        private String text;
        private String calibrationText;
        private int contextLength;
        private long memoryLimit = Long.MAX_VALUE;
        private Preference preference = Preference.BALANCE;
        private int window;
        private int windows;
        private Supplier<ModelOptions.Builder> model = ModelOptions::builder;
        private boolean allowRequantize;
        private Path work = Path.of(System.getProperty("java.io.tmpdir"));
        private @Nullable Path keep;
        private Consumer<String> onStep = step -> {};
        private PerplexityProgress onProgress = (done, total, perplexity) -> {};

        private Builder(Path base, String text, String calibrationText) {
            this.base = base;
            this.text = text;
            this.calibrationText = calibrationText;
        }

        /** Files of the same model in fewer bits, to be measured instead of made ones. */
        public Builder variants(List<Path> files) {
            this.variants = files;
            return this;
        }

        /** The text to measure on. */
        public Builder text(String words) {
            this.text = words;
            return this;
        }

        /** The text to find out with which columns matter, before variants are made. */
        public Builder calibrationText(String words) {
            this.calibrationText = words;
            return this;
        }

        /** Tokens of context to make room for; 0: what the model was trained on, at most 4096. */
        public Builder contextLength(int tokens) {
            this.contextLength = tokens;
            return this;
        }

        /** The most bytes of memory; {@code Long.MAX_VALUE}: no limit. */
        public Builder memoryLimit(long bytes) {
            this.memoryLimit = bytes;
            return this;
        }

        /** What matters most. */
        public Builder preference(Preference what) {
            this.preference = what;
            return this;
        }

        /** Tokens of a window of text; 0: 512, or what the model was trained on if that is less. */
        public Builder window(int tokens) {
            this.window = tokens;
            return this;
        }

        /** The most windows of text to measure on; 0: 16384 tokens of them, or what the base reads in a minute. */
        public Builder windows(int count) {
            this.windows = count;
            return this;
        }

        /** Options to open models with, but for context and its storage. */
        public Builder model(Supplier<ModelOptions.Builder> options) {
            this.model = options;
            return this;
        }

        /** Whether variants may be made of a base that is quantized already; their losses add up. */
        public Builder allowRequantize(boolean allow) {
            this.allowRequantize = allow;
            return this;
        }

        /** An existing folder with room for three variants, which are deleted after they were measured. */
        public Builder work(Path folder) {
            this.work = folder;
            return this;
        }

        /** Where to put the recommended variant, on the disk of {@code work}; null: nowhere. */
        public Builder keep(@Nullable Path file) {
            this.keep = file;
            return this;
        }

        /** Hears, in a line, what is done next or was found. */
        public Builder onStep(Consumer<String> listener) {
            this.onStep = listener;
            return this;
        }

        /** Hears how far each measurement is. */
        public Builder onProgress(PerplexityProgress listener) {
            this.onProgress = listener;
            return this;
        }

        /** The options. */
        public TuningOptions build() {
            return new TuningOptions(
                    base,
                    variants,
                    text,
                    calibrationText,
                    contextLength,
                    memoryLimit,
                    preference,
                    window,
                    windows,
                    model,
                    allowRequantize,
                    work,
                    keep,
                    onStep,
                    onProgress);
        }
    }
}
