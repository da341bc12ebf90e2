package dev.nibble.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code nibble perplexity} as a process: predictions that are saved take gigabytes, so none may stay behind. */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
final class PerplexityProcessTest {
    @TempDir
    private Path folder;

    @Test
    void anInterruptedMeasurementLeavesNothing() throws Exception {
        String saved = folder.resolve("base").toString();
        // On the slowest device, so that it is still at work.
        Process process = NibbleProcess.start("", "perplexity", "--device", "reference", "--save-logits", saved);
        while (process.isAlive() && files() == 0) {
            TimeUnit.MILLISECONDS.sleep(5);
        }
        TimeUnit.MILLISECONDS.sleep(200);
        process.toHandle().destroy();
        String errors = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(128 + 15, process.waitFor(), errors);
        assertEquals(0, files(), errors);
        assertFalse(errors.contains("internal error"), errors);
    }

    private long files() throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return files.count();
        }
    }
}
