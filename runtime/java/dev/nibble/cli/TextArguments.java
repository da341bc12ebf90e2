package dev.nibble.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which text to measure on. */
final class TextArguments {
    @Option(
            names = {"-f", "--file"},
            paramLabel = "TEXT",
            description = "A text file in UTF-8; by default the small text that comes with the program.")
    private @Nullable Path file;

    /** The file, if one was named. */
    Optional<Path> file() {
        return Optional.ofNullable(file);
    }

    /** What the text is called. */
    String name() {
        return file == null ? "sample" : file.getFileName().toString();
    }

    /** A text that comes with the program. */
    @FunctionalInterface
    interface Sample {
        String read() throws IOException;
    }

    /**
     * Reads the text.
     *
     * @param sample what to read if no file was named
     * @throws IOException if there is no such file, or if it is no text
     */
    String read(Sample sample) throws IOException {
        return file == null ? sample.read() : read(file);
    }

    /**
     * Reads a text file.
     *
     * @throws IOException if there is no such file, or if it is no text
     */
    static String read(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new IOException(file + " is not text in UTF-8", e);
        }
    }
}
