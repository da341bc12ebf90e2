package dev.nibble.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.OutOfCapacityException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

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
        var e = assertThrows(FileSystemException.class, () -> new TargetFile(target).close());
        assertTrue(e.getMessage().startsWith("/proc/model.gguf: "), e.getMessage());
    }

    @Test
    void nothingStandsThereBeforeTheEnd(@TempDir Path folder) throws IOException {
        Path target = folder.resolve("data");
        Files.writeString(target, "before");
        try (TargetFile file = new TargetFile(target)) {
            file.write(ByteBuffer.wrap(new byte[] {9, 1, 2}).position(1), 3);
            file.write(ByteBuffer.wrap(new byte[] {7, 8}));
            assertEquals("before", Files.readString(target));
            file.extend(7);
            file.extend(2);
            file.finish();
        }
        assertArrayEquals(new byte[] {7, 8, 0, 1, 2, 0, 0}, Files.readAllBytes(target));
        try (TargetFile file = new TargetFile(target)) {
            file.write(ByteBuffer.wrap(new byte[9]));
        }
        assertEquals(7, Files.size(target));
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(List.of(target), left.toList());
        }
    }

    @Test
    void aPlaceThatIsTakenAwayIsToldWithTheName(@TempDir Path folder) throws IOException {
        Path target = folder.resolve("data");
        try (TargetFile file = new TargetFile(target)) {
            Files.createDirectories(target.resolve("inside"));
            var e = assertThrows(FileSystemException.class, file::finish);
            assertTrue(e.getMessage().startsWith(target + ": it cannot be written whole"), e.getMessage());
        }
    }
}
