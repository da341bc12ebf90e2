package dev.nibble.evaluation;

import dev.nibble.LanguageModel;
import dev.nibble.TokenSession;
import dev.nibble.device.ProductInput;
import dev.nibble.device.ProductObserver;
import dev.nibble.device.WeightShape;
import dev.nibble.quant.Importance;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * Finds out which columns of a model's matrices matter: the mean square of the activations that meet them while the model reads
 * a text, of each expert apart. A quantizer that knows this puts its errors where they do least harm.
 *
 * <pre>{@code
 * Calibration calibration = new Calibration();
 * try (LanguageModel model = LanguageModel.open(path, ModelOptions.builder().observer(calibration).build())) {
 *     calibration.read(model, TextWindows.of(model, text, 512, 0), "text.txt", done -> {});
 * }
 * calibration.write(Path.of("importance.gguf"));
 * }</pre>
 */
public final class Calibration implements ProductObserver {
    /** By the name of the weight. */
    private final Map<String, Sums> sums = new LinkedHashMap<>();

    private final List<String> texts = new ArrayList<>();
    private int windows;
    private int window;

    /** Nothing has been read yet. */
    public Calibration() {}

    /** What a weight's columns have met. */
    private static final class Sums {
        /** (matrices, columns). */
        private final double[] squares;
        /** (matrices): rows that they have met. */
        private final long[] counts;

        Sums(WeightShape weight) {
            squares = new double[weight.matrices() * weight.columns()];
            counts = new long[weight.matrices()];
        }

        Importance.ColumnSums columnSums() {
            float[] floatSquares = new float[squares.length];
            for (int i = 0; i < squares.length; i++) {
                floatSquares[i] = (float) squares[i];
            }
            float[] floatCounts = new float[counts.length];
            for (int i = 0; i < counts.length; i++) {
                floatCounts[i] = counts[i];
            }
            return new Importance.ColumnSums(floatSquares, floatCounts);
        }
    }

    @Override
    public synchronized void observe(ProductInput input) {
        int columns = input.columns();
        float[] values = input.values();
        for (WeightShape weight : input.weights()) {
            Sums sum = sums.computeIfAbsent(weight.name(), name -> new Sums(weight));
            for (int product = 0; product < input.count(); product++) {
                int matrix = input.matrices()[product];
                int row = input.offset(product);
                for (int i = 0; i < columns; i++) {
                    double value = values[row + i];
                    sum.squares[matrix * columns + i] += value * value;
                }
                sum.counts[matrix]++;
            }
        }
    }

    /**
     * Has a model read a text, all of it but what is left after the last whole window.
     *
     * @param model opened with this calibration as its observer
     * @param name what the text is called, for the file
     * @param onProgress hears how many windows are done; called by several threads
     * @throws IOException if the reading was interrupted
     */
    public void read(LanguageModel model, TextWindows text, String name, IntConsumer onProgress) throws IOException {
        AtomicInteger done = new AtomicInteger();
        new Parallel(model.info()).run(text.count(), text.size(), index -> {
            try (TokenSession session = model.session()) {
                session.feed(text.window(index), (position, logits) -> {});
            }
            onProgress.accept(done.incrementAndGet());
        });
        texts.add(name);
        windows += text.count();
        window = text.size();
    }

    /** The number of matrices whose columns were met; each expert is one. */
    public synchronized int matrices() {
        return (int) sums.values().stream()
                .mapToLong(sum ->
                        Arrays.stream(sum.counts).filter(count -> count > 0).count())
                .sum();
    }

    /** The number of experts' matrices that no row was sent to, so that nothing is known of them. */
    public synchronized int unmet() {
        return (int) sums.values().stream()
                .mapToLong(sum ->
                        Arrays.stream(sum.counts).filter(count -> count == 0).count())
                .sum();
    }

    /**
     * Writes an importance file, whole or not at all; one that stands there is replaced.
     *
     * @throws IOException if it cannot be written, or if an activation was no number: the model is damaged
     */
    public synchronized void write(Path file) throws IOException {
        Map<String, Importance.ColumnSums> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, Sums> entry : sums.entrySet()) {
            try {
                tensors.put(entry.getKey(), entry.getValue().columnSums());
            } catch (IllegalArgumentException e) {
                throw new IOException(
                        "the activations that meet " + entry.getKey()
                                + " are no numbers, so the model must be damaged: " + e.getMessage(),
                        e);
            }
        }
        new Importance(tensors, texts, windows, window).write(file);
    }
}
