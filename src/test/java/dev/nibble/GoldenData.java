package dev.nibble;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** The folder of golden data: {@code NIBBLE_GOLDEN}, else {@code ../shared/golden}; tests that need it are skipped without it. */
public final class GoldenData {
    private GoldenData() {}

    /** A file or folder of the golden data; skips the running test, visibly, where it is absent. */
    public static Path path(String relative) {
        String folder = System.getenv("NIBBLE_GOLDEN");
        Path path = Path.of(folder == null ? "../shared/golden" : folder).resolve(relative);
        Assumptions.assumeTrue(
                Files.exists(path),
                () -> "no golden data at " + path.toAbsolutePath().normalize());
        return path;
    }

    /** A file of little-endian float32 values. */
    public static float[] floats(String relative) {
        return floats(path(relative));
    }

    /** A file of little-endian float32 values. */
    public static float[] floats(Path path) {
        ByteBuffer bytes = ByteBuffer.wrap(bytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    /** The whole content of a file. */
    public static byte[] bytes(Path path) {
        try {
            return Files.readAllBytes(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
