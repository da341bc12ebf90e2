package dev.nibble.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.opentest4j.TestAbortedException;

/** Files that ggml's own tools wrote are read, and written again, byte for byte. */
class GgufGoldenTest {
    @TempDir
    Path folder;

    static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.walk(GoldenData.path(".").toAbsolutePath())) {
            return files.filter(file -> file.toString().endsWith(".gguf"))
                    .sorted()
                    .toList();
        } catch (TestAbortedException e) {
            // A test that is skipped shows; one without arguments does not.
            return List.of(Path.of("models"));
        }
    }

    @ParameterizedTest
    @MethodSource("files")
    void rewritesWhatItRead(Path file) throws IOException {
        Path path = GoldenData.path(file.toString());
        Path copy = folder.resolve("copy.gguf");
        try (GgufFile original = GgufFile.open(path)) {
            try (GgufWriter writer = new GgufWriter(copy, original.metadata())) {
                for (TensorInfo tensor : original.tensors()) {
                    assertEquals(tensor, writer.declare(tensor.name(), tensor.type(), tensor.dimensions()));
                }
                for (TensorInfo tensor : original.tensors()) {
                    writer.write(original.data(tensor));
                }
                writer.finish();
            }
            try (GgufFile again = GgufFile.open(copy)) {
                assertEquals(original.metadata(), again.metadata());
                assertEquals(original.tensors(), again.tensors());
                for (TensorInfo tensor : original.tensors()) {
                    assertEquals(-1, original.data(tensor).mismatch(again.data(tensor)), tensor.name());
                }
            }
        }
        long mismatch = Files.mismatch(path, copy);
        // Some tools pad a header that no data follows.
        assertTrue(mismatch == -1 || mismatch == Files.size(copy), () -> "the copy differs at byte " + mismatch);
    }
}
