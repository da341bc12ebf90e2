package dev.nibble.evaluation;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/** Reads saved predictions, after it has checked that they were made of the same text. */
final class PredictionReader implements AutoCloseable {
    private final Path file;
    private final FileChannel channel;
    private final PredictionFile form;
    private final String name;

    private PredictionReader(Path file, FileChannel channel, TextWindows windows, int vocabulary) throws IOException {
        this.file = file;
        this.channel = channel;
        ByteBuffer fixed = read(0, PredictionFile.FIXED_BYTES);
        byte[] magic = new byte[PredictionFile.MAGIC.length];
        fixed.get(magic);
        if (!Arrays.equals(magic, PredictionFile.MAGIC)) {
            throw new IOException(file + " is no file of saved predictions; make one with --save-logits");
        }
        check(fixed.getInt() == PredictionFile.VERSION, "it has a version that is not " + PredictionFile.VERSION);
        same("a vocabulary of %d tokens, the model of %d", fixed.getInt(), vocabulary);
        same("windows of %d tokens, here they have %d", fixed.getInt(), windows.size());
        int count = fixed.getInt();
        check(count >= windows.count(), "it holds " + count + " windows, fewer than the " + windows.count() + " here");
        int nameBytes = fixed.getInt();
        check(nameBytes >= 0 && nameBytes <= PredictionFile.MOST_NAME_BYTES, "its name has " + nameBytes + " bytes");
        this.name = new String(read(PredictionFile.FIXED_BYTES, nameBytes).array(), StandardCharsets.UTF_8);
        long tokens = (long) PredictionFile.FIXED_BYTES + nameBytes;
        checkTokens(tokens, windows);
        this.form = new PredictionFile(vocabulary, tokens + (long) count * windows.size() * Integer.BYTES);
        long end = form.place((long) count * windows.counted());
        check(channel.size() == end, "it has " + channel.size() + " bytes; it needs " + end);
    }

    static PredictionReader open(Path file, TextWindows windows, int vocabulary) throws IOException {
        FileChannel channel = FileChannel.open(file);
        try {
            return new PredictionReader(file, channel, windows, vocabulary);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private void checkTokens(long place, TextWindows windows) throws IOException {
        for (int window = 0; window < windows.count(); window++) {
            int[] tokens = windows.window(window);
            ByteBuffer saved =
                    read(place + (long) window * tokens.length * Integer.BYTES, tokens.length * Integer.BYTES);
            for (int i = 0; i < tokens.length; i++) {
                int token = saved.getInt();
                check(
                        token == tokens[i],
                        "it is of another text: token " + i + " of window " + window + " is " + token + ", here "
                                + tokens[i]);
            }
        }
    }

    /** The model that made the predictions. */
    String name() {
        return name;
    }

    /** Reads one prediction; any thread may. */
    SavedPrediction read(int index) throws IOException {
        ByteBuffer bytes = read(form.place(index), form.predictionBytes());
        int top = bytes.getInt();
        float next = bytes.getFloat();
        float step = bytes.getFloat();
        boolean valid = top >= 0 && top < form.vocabulary() && next <= 0 && step >= 0 && Float.isFinite(next * step);
        check(
                valid,
                "prediction " + index + " is damaged: token " + top + " of " + form.vocabulary() + ", ln p " + next
                        + ", steps of " + step);
        short[] depths = new short[form.vocabulary()];
        bytes.asShortBuffer().get(depths);
        return new SavedPrediction(top, next, step, depths);
    }

    private ByteBuffer read(long place, int count) throws IOException {
        ByteBuffer bytes = PredictionFile.buffer(count);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, place + bytes.position()) < 0) {
                throw refusal("it ends after " + channel.size() + " bytes");
            }
        }
        return bytes.flip();
    }

    private void same(String difference, int found, int wanted) throws IOException {
        check(found == wanted, "it is of " + difference.formatted(found, wanted));
    }

    private void check(boolean good, String fault) throws IOException {
        if (!good) {
            throw refusal(fault);
        }
    }

    private IOException refusal(String fault) {
        return new IOException(file + " cannot be compared with: " + fault);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
