package dev.nibble.evaluation;

import dev.nibble.LanguageModel;
import dev.nibble.TokenSession;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Measures how well a model predicts a text: several windows at once, as many as fill its batch. */
public final class Perplexity {
    private final LanguageModel model;
    private final TextWindows windows;
    private final PerplexityOptions options;
    private final @Nullable PredictionWriter writer;
    private final @Nullable PredictionReader base;
    /** (windows × counted): −ln of the probability of the text's next token. */
    private final double[] surprise;

    private final @Nullable BaseComparison comparison;
    private final RunningMean progress = new RunningMean();
    private int done;

    private Perplexity(
            LanguageModel model,
            TextWindows windows,
            PerplexityOptions options,
            @Nullable PredictionWriter writer,
            @Nullable PredictionReader base) {
        this.model = model;
        this.windows = windows;
        this.options = options;
        this.writer = writer;
        this.base = base;
        this.surprise = new double[windows.count() * windows.counted()];
        this.comparison = base == null ? null : new BaseComparison(surprise.length);
    }

    /**
     * Measures a model on a text.
     *
     * @throws IOException if a file cannot be read or written, if the base's file is of another text, window or vocabulary, or if
     *     the model's predictions are no numbers
     * @throws IllegalArgumentException if the predictions would be saved over those that they are compared with
     * @throws dev.nibble.OutOfCapacityException if the disk has no room for the predictions
     * @throws IllegalStateException if the model is closed
     */
    public static Quality measure(LanguageModel model, TextWindows windows, PerplexityOptions options)
            throws IOException {
        int vocabulary = model.info().vocabulary();
        try (PredictionReader base = options.against() == null
                        ? null
                        : PredictionReader.open(options.against(), windows, vocabulary);
                PredictionWriter writer = options.saveTo() == null
                        ? null
                        : PredictionWriter.create(
                                options.saveTo(),
                                Stream.ofNullable(options.against()).toList(),
                                windows,
                                vocabulary,
                                model.info().name())) {
            Perplexity perplexity = new Perplexity(model, windows, options, writer, base);
            new Parallel(model.info()).run(windows.count(), windows.size(), perplexity::measure);
            if (writer != null) {
                writer.finish();
            }
            return perplexity.quality();
        }
    }

    private void measure(int window) {
        int[] tokens = windows.window(window);
        int first = windows.firstCounted();
        try (TokenSession session = model.session()) {
            session.feed(Arrays.copyOf(tokens, first));
            int[] second = Arrays.copyOfRange(tokens, first, tokens.length - 1);
            session.feed(second, (position, logits) -> note(window, position, logits, tokens[position + 1]));
        }
        report(window);
    }

    private void note(int window, int position, float[] logits, int next) {
        Prediction prediction = Prediction.of(logits, next);
        int token = window * windows.counted() + position - windows.firstCounted();
        surprise[token] = -prediction.next();
        try {
            if (!prediction.isValid()) {
                throw new IOException("the model's logits after token " + position + " of window " + window
                        + " are no numbers: its weights must be damaged");
            }
            if (writer != null) {
                writer.write(token, prediction);
            }
            if (base != null && comparison != null) {
                comparison.note(token, prediction, base.read(token));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private synchronized void report(int window) {
        progress.add(surprise, window * windows.counted(), windows.counted());
        options.onProgress().accept(++done, windows.count(), progress.mean().exp());
    }

    private Quality quality() {
        RunningMean mean = new RunningMean();
        List<Estimate> running = new ArrayList<>();
        for (int window = 0; window < windows.count(); window++) {
            mean.add(surprise, window * windows.counted(), windows.counted());
            running.add(mean.mean().exp());
        }
        return new Quality(
                Estimate.mean(surprise).exp(),
                windows.count(),
                windows.size(),
                surprise.length,
                running,
                base == null || comparison == null ? null : Divergence.of(base.name(), surprise, comparison));
    }
}
