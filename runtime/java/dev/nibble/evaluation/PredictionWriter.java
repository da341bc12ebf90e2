package dev.nibble.evaluation;

import dev.nibble.gguf.TargetFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Saves predictions. The file has its name only when it is whole. */
final class PredictionWriter implements AutoCloseable {
    private final TargetFile file;
    private final PredictionFile form;

    private PredictionWriter(TargetFile file, PredictionFile form) {
        this.file = file;
        this.form = form;
    }

    /**
     * Begins a file.
     *
     * @param sources the files that are read meanwhile
     * @throws IllegalArgumentException if it is one of the sources
     * @throws IOException if there can be no such file
     * @throws dev.nibble.OutOfCapacityException if the disk has no room for all predictions
     */
    static PredictionWriter create(Path target, List<Path> sources, TextWindows windows, int vocabulary, String model)
            throws IOException {
        ByteBuffer header = header(windows, vocabulary, model);
        PredictionFile form = new PredictionFile(vocabulary, header.remaining());
        TargetFile.require(target, sources, form.place((long) windows.count() * windows.counted()));
        TargetFile file = new TargetFile(target);
        try {
            file.write(header, 0);
        } catch (IOException e) {
            file.close();
            throw e;
        }
        return new PredictionWriter(file, form);
    }

    private static ByteBuffer header(TextWindows windows, int vocabulary, String model) {
        byte[] utf8 = model.getBytes(StandardCharsets.UTF_8);
        byte[] name = Arrays.copyOf(utf8, Math.min(utf8.length, PredictionFile.MOST_NAME_BYTES));
        ByteBuffer header = PredictionFile.buffer(
                PredictionFile.FIXED_BYTES + name.length + windows.count() * windows.size() * Integer.BYTES);
        header.put(PredictionFile.MAGIC)
                .putInt(PredictionFile.VERSION)
                .putInt(vocabulary)
                .putInt(windows.size())
                .putInt(windows.count())
                .putInt(name.length)
                .put(name);
        for (int window = 0; window < windows.count(); window++) {
            for (int token : windows.window(window)) {
                header.putInt(token);
            }
        }
        return header.flip();
    }

    /** Writes one prediction; many threads may, each predictions of its own. */
    void write(int index, Prediction prediction) throws IOException {
        float[] logits = prediction.logits();
        double top = logits[prediction.top()];
        double depth = 0;
        for (float logit : logits) {
            depth = Math.max(depth, Math.min(PredictionFile.DEEPEST, top - logit));
        }
        float step = (float) (depth / PredictionFile.STEPS);
        ByteBuffer bytes = PredictionFile.buffer(form.predictionBytes());
        bytes.putInt(prediction.top()).putFloat((float) prediction.next()).putFloat(step);
        for (float logit : logits) {
            double steps = step == 0 ? 0 : (top - logit) / step;
            bytes.putShort((short) Math.min(PredictionFile.STEPS, Math.round(steps)));
        }
        file.write(bytes.flip(), form.place(index));
    }

    /** All is written: gives the file its name. */
    void finish() throws IOException {
        file.finish();
    }

    /** Ends the writing; a file that is not whole is gone afterwards. */
    @Override
    public void close() throws IOException {
        file.close();
    }
}
