package dev.nibble.device.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The catalogue of kernels, {@code opencl-kernels/README.md}, has all that there are, and no others. */
class CatalogueTest {
    private static final Path FOLDER = Path.of("opencl-kernels");
    private static final Pattern KERNEL = Pattern.compile("(?m)^kernel .*?void (\\w+)\\(");
    private static final Pattern NAME = Pattern.compile("`(\\w+)`");

    private static List<Path> sources() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            return files.filter(file -> file.toString().endsWith(".cl")).toList();
        }
    }

    @Test
    void namesEveryKernel() throws IOException {
        TreeSet<String> kernels = new TreeSet<>();
        for (Path source : sources()) {
            KERNEL.matcher(Files.readString(source)).results().forEach(found -> kernels.add(found.group(1)));
        }
        assertTrue(kernels.size() > 20, kernels::toString);
        TreeSet<String> named = new TreeSet<>();
        for (String line : Files.readAllLines(FOLDER.resolve("README.md"))) {
            String[] cells = line.split("\\|", 3);
            // A table of kernels: the first cell is names alone.
            if (cells.length == 3
                    && cells[1].replaceAll("`[a-z_0-9]+`|[, ]", "").isEmpty()) {
                NAME.matcher(cells[1]).results().forEach(found -> named.add(found.group(1)));
            }
        }
        named.remove("");
        assertEquals(kernels, named);
    }

    @Test
    void namesEveryFile() throws IOException {
        String catalogue = Files.readString(FOLDER.resolve("README.md"));
        for (Path source : sources()) {
            assertTrue(catalogue.contains(source.getFileName().toString()), source + " is not in the catalogue");
        }
    }
}
