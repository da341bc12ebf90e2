package dev.nibble.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes a file of little-endian float32 values. */
final class FloatFile implements AutoCloseable {
    private final OutputStream out;

    private FloatFile(OutputStream out) {
        this.out = out;
    }

    /** Creates the file, or empties it. */
    static FloatFile create(Path path) throws IOException {
        return new FloatFile(Files.newOutputStream(path));
    }

    /** Appends values. */
    void write(float[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        try {
            out.write(bytes.array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
