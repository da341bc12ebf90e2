package dev.nibble.evaluation;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/** Saves predictions. The file has its name only when it is whole; until then it stands beside it as {@code NAME.part}. */
final class PredictionWriter implements AutoCloseable {
    private final Path target;
    private final Path part;
    private final FileChannel channel;
    private final PredictionFile form;

    private PredictionWriter(Path target, TextWindows windows, int vocabulary, String model) throws IOException {
        this.target = target;
        this.part = target.resolveSibling(target.getFileName() + ".part");
        ByteBuffer header = header(windows, vocabulary, model);
        this.form = new PredictionFile(vocabulary, header.remaining());
        this.channel = FileChannel.open(
                part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING);
        try {
            write(header, 0);
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    static PredictionWriter create(Path file, TextWindows windows, int vocabulary, String model) throws IOException {
        return new PredictionWriter(file, windows, vocabulary, model);
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
        write(bytes.flip(), form.place(index));
    }

    private void write(ByteBuffer bytes, long place) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes, place + bytes.position());
        }
    }

    /** All is written: gives the file its name. */
    void finish() throws IOException {
        channel.force(true);
        channel.close();
        Files.move(part, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Ends the writing; a file that is not whole is gone afterwards. */
    @Override
    public void close() throws IOException {
        channel.close();
        Files.deleteIfExists(part);
    }
}
