package dev.nibble.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The launchers tell the JVM which methods to compile first: those methods exist. */
final class CompileCommandsTest {
    @Test
    void everyPatternNamesAClass() throws Exception {
        List<String> classes;
        try (Stream<Path> files = Files.list(Path.of("target/classes/dev/nibble/device/cpu"))) {
            classes = files.map(file -> "dev.nibble.device.cpu."
                            + file.getFileName().toString().replace(".class", ""))
                    .toList();
        }
        List<String> patterns = Files.readAllLines(Path.of("scripts/kernels.compile")).stream()
                .filter(line -> line.contains("::"))
                .map(line -> line.substring(line.indexOf(',') + 1, line.indexOf("::")))
                .distinct()
                .toList();
        assertFalse(patterns.isEmpty());
        for (String pattern : patterns) {
            Pattern name = Pattern.compile(pattern.replace(".", "\\.").replace("*", ".*"));
            assertTrue(classes.stream().anyMatch(name.asMatchPredicate()), pattern);
        }
    }
}
