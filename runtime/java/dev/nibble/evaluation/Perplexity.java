package dev.nibble.evaluation;

import dev.nibble.LanguageModel;
import dev.nibble.TokenSession;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
    private int done;
    private double sum;
    private double squares;

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
        int from = window * windows.counted();
        for (int i = from; i < from + windows.counted(); i++) {
            sum += surprise[i];
            squares += surprise[i] * surprise[i];
        }
        done++;
        options.onProgress().accept(done, windows.count(), sofar(done * windows.counted()));
    }

    private Estimate sofar(int tokens) {
        double mean = sum / tokens;
        double variance = Math.max(0, squares / tokens - mean * mean);
        return new Estimate(mean, tokens < 2 ? Double.NaN : Math.sqrt(variance / (tokens - 1))).exp();
    }

    private Quality quality() {
        List<Estimate> running = new ArrayList<>();
        for (int window = 1; window <= windows.count(); window++) {
            running.add(Estimate.mean(surprise, 0, window * windows.counted()).exp());
        }
        return new Quality(
                running.getLast(),
                windows.count(),
                windows.size(),
                surprise.length,
                running,
                base == null || comparison == null ? null : Divergence.of(base.name(), surprise, comparison));
    }
}
