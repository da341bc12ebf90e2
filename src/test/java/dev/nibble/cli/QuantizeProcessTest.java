package dev.nibble.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.quantize.FloatModel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** {@code nibble quantize} as a process: one that may not write, one that is killed. */
@EnabledOnOs(OS.LINUX)
@Timeout(120)
final class QuantizeProcessTest {
    @TempDir
    private Path folder;

    /** The shell's limit stands for a full disk: both fail in the middle of the file. */
    @Test
    void aDiskThatIsFullIsNamedAndKeepsNothing() throws Exception {
        Path source = FloatModel.mixed(4096).write(folder.resolve("float.gguf"));
        Path target = folder.resolve("small.gguf");
        Process process = start("ulimit -f 100; ", source, target);
        String errors = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(ExitStatus.INVALID_DATA.code(), process.waitFor(), errors);
        assertTrue(errors.contains(target.toString()) && errors.contains("nothing is left"), errors);
        assertEquals(List.of("float.gguf"), names());
    }

    @Test
    void aKilledRunLeavesNoFileOfTheFinalName() throws Exception {
        Path source =
                new FloatModel(4096).tensor("blk.0.ffn_up.weight", 4096, 4096).write(folder.resolve("float.gguf"));
        Path target = folder.resolve("small.gguf");
        Process process = start("", source, target);
        while (process.isAlive() && names().size() == 1) {
            TimeUnit.MILLISECONDS.sleep(1);
        }
        process.destroyForcibly().waitFor();
        assertFalse(Files.exists(target), "ended before it was killed");
        assertEquals(2, names().size(), "the source and what was begun");
    }

    private static Process start(String before, Path source, Path target) throws IOException {
        return NibbleProcess.start(before, "quantize", source.toString(), target.toString(), "--type", "q4_k_m");
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
