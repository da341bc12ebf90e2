package dev.nibble;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The model that comes with the library, as a file that can be mapped. */
final class BundledModel {
    private static final String RESOURCE = "tiny-q8_0.gguf";

    private BundledModel() {}

    /** Opens a file. */
    @FunctionalInterface
    interface Opening<T> {
        T open(Path file) throws IOException;
    }

    /**
     * Opens a temporary copy, which goes when it is closed, or when the process ends.
     *
     * @throws IOException if the copy cannot be written
     */
    static <T> T open(Opening<T> opening) throws IOException {
        Path copy = Files.createTempFile("nibble-demo", ".gguf");
        try {
            copyTo(copy);
            return opening.open(copy);
        } finally {
            deleteMapped(copy);
        }
    }

    /** Writes the model to a file, which is replaced. */
    static void copyTo(Path file) throws IOException {
        try (InputStream resource = BundledModel.class.getResourceAsStream(RESOURCE)) {
            if (resource == null) {
                throw new IllegalStateException("the resource " + RESOURCE + " is missing from the library");
            }
            Files.copy(resource, file, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Some systems delete a file that is mapped only after it is closed; those remove it when the process ends. */
    private static void deleteMapped(Path copy) throws IOException {
        try {
            Files.deleteIfExists(copy);
        } catch (AccessDeniedException e) {
            copy.toFile().deleteOnExit();
        }
    }
}
