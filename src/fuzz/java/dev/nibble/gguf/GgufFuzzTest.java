package dev.nibble.gguf;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/** Jazzer looks for files that the reader does not survive: {@code mvn -Pfuzz test}. */
class GgufFuzzTest {
    static Stream<byte[]> samples() throws IOException {
        Path folder = Files.createTempDirectory("fuzz");
        try {
            return GgufSamples.all(folder).stream();
        } finally {
            Files.delete(folder.resolve("sample.gguf"));
            Files.delete(folder);
        }
    }

    @MethodSource("samples")
    @FuzzTest(maxDuration = "1m")
    void read(byte[] bytes) {
        GgufFuzz.fuzzerTestOneInput(bytes);
    }
}
