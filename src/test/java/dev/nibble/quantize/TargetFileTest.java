package dev.nibble.quantize;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.OutOfCapacityException;
import dev.nibble.gguf.Metadata;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class TargetFileTest {
    private static final Path TARGET = Path.of("model.gguf");

    @Test
    void spaceIsCountedBeforeTheWorkBegins() {
        var e = assertThrows(OutOfCapacityException.class, () -> TargetFile.requireSpace(TARGET, 1000, 999));
        assertTrue(e.getMessage().contains("model.gguf would have 1000 bytes"), e.getMessage());
        assertTrue(e.getMessage().contains("999 are free"), e.getMessage());
        assertDoesNotThrow(() -> TargetFile.requireSpace(TARGET, 1000, 1000));
        assertDoesNotThrow(() -> TargetFile.requireSpace(TARGET, 1000, 0), "a file system that does not say");
    }

    /** Nobody can make files there, not even the superuser. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aFolderThatTakesNoFilesIsNamedByTheTarget() {
        Path target = Path.of("/proc/model.gguf");
        var e = assertThrows(
                FileSystemException.class,
                () -> TargetFile.begin(target, Metadata.builder().build()).close());
        assertTrue(e.getMessage().startsWith("/proc/model.gguf: "), e.getMessage());
    }
}
