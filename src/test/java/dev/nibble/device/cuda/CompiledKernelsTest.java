package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.foreign.CudaLibrary;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is committed of the CUDA kernels: compiled text and the table of what they take. */
class CompiledKernelsTest {
    private static final Path KERNELS = Path.of("cuda-kernels");
    private static final Pattern ENTRY = Pattern.compile("\\.visible \\.entry (\\w+)\\(");
    private static final Pattern VERSION = Pattern.compile("\\.version (\\d+)\\.(\\d+)");
    private static final int NO_COMPILER = 4;

    @Test
    @EnabledOnOs(OS.LINUX)
    void everyModuleIsMadeOfItsSources() throws Exception {
        Run run = compile("--stale");
        assertEquals(0, run.exitCode, run.output);
        assertEquals("", run.output, "modules whose sources changed: run scripts/compile-cuda");
    }

    @Test
    @Tag("slow")
    @EnabledOnOs(OS.LINUX)
    void sourcesCompileToWhatIsCommitted(@TempDir Path folder) throws Exception {
        Run run = compile("--check", folder.toString());
        assumeTrue(run.exitCode != NO_COMPILER, run.output);
        assertEquals(0, run.exitCode, run.output);
    }

    @Test
    void everyKernelIsInTheTableOnce() throws IOException {
        List<String> listed = new ArrayList<>();
        rows().forEach(row -> listed.add(row[0] + "," + row[1]));
        Set<String> missing = kernels(75);
        missing.addAll(kernels(80));
        listed.forEach(kernel -> assertTrue(missing.remove(kernel), () -> kernel + " is no kernel, or listed twice"));
        assertEquals(Set.of(), missing);
    }

    @Test
    void noKernelKeepsRegistersInMemory() throws IOException {
        for (String[] row : rows()) {
            assertEquals("0", row[5], () -> row[1] + " spills");
            String[] reported = Arrays.stream(row, 6, row.length)
                    .filter(cell -> !cell.isEmpty())
                    .toArray(String[]::new);
            assertTrue(reported.length > 0, () -> row[1] + " is for no processor");
            for (String cell : reported) {
                int registers = Integer.parseInt(cell);
                assertTrue(registers > 0 && registers <= 255, () -> row[1] + " takes " + registers + " registers");
            }
        }
    }

    /** But those that are the same text for both, and those that tensor cores take the place of. */
    @Test
    void everyKernelOfOlderDevicesIsCompiledForNewerOnesToo() throws IOException {
        Set<String> missing = kernels(75);
        missing.removeAll(kernels(80));
        missing.removeIf(kernel -> kernel.startsWith("attention_"));
        for (WeightLayout layout : WeightLayout.values()) {
            if (layout.takesBlocks()) {
                assertTrue(missing.remove(layout.named("matmul") + "," + layout.named("matmul") + "_8"));
                assertTrue(missing.remove(layout.named("matmul") + "," + layout.named("matmul") + "_16"));
            }
        }
        assertEquals(Set.of(), missing);
    }

    /** PTX 7.y came with CUDA 11.y. */
    @ParameterizedTest
    @ValueSource(ints = {75, 80})
    void theOldestDriverLoadsEveryModule(int capability) throws IOException {
        int most = CudaLibrary.MINIMUM_VERSION % 1000 / 10;
        for (Path file : modules(capability)) {
            Matcher version = VERSION.matcher(Files.readString(file));
            assertTrue(version.find(), file::toString);
            int major = Integer.parseInt(version.group(1));
            assertTrue(major < 7 || major == 7 && Integer.parseInt(version.group(2)) <= most, file::toString);
        }
    }

    @ParameterizedTest
    @EnumSource(WeightLayout.class)
    void everyTypeOfWeightsHasItsKernels(WeightLayout layout) throws IOException {
        Set<String> kernels = kernels(75);
        for (int rows = 1; rows <= 64; rows++) {
            for (int tiles : new int[] {1, 4096}) {
                String kernel = ProductShape.of(layout, rows, 4096, tiles, 100).kernel(layout);
                assertTrue(kernels.contains(layout.named("matmul") + "," + kernel), kernel);
            }
        }
        assertTrue(kernels.contains(layout.named("matmul") + "," + layout.named("embed")));
    }

    /** Devices whose blocks can have 99, 163 and 227 KiB of shared memory. */
    @ParameterizedTest
    @EnumSource(value = WeightLayout.class, mode = EnumSource.Mode.EXCLUDE, names = "F32")
    void everyTypeButOneHasKernelsForTensorCores(WeightLayout layout) throws IOException {
        Set<String> kernels = kernels(80);
        for (int kib : new int[] {99, 163, 227}) {
            CudaTraits device =
                    new CudaTraits(0, 0, "a device", 80, 12_000, "0000:00:00", 1 << 30, 100, kib << 10, false, true);
            for (int rows : new int[] {1, 8, 9, 16, 17, 64, 65, 512}) {
                TensorShape shape = TensorShape.of(device, layout, rows);
                assertTrue(kernels.contains(layout.named("mma") + "," + shape.kernel(layout)), shape::toString);
                assertTrue(shape.shared() <= kib << 10, shape::toString);
                assertTrue(shape.tokens() >= Math.min(rows, 64), shape::toString);
            }
        }
    }

    /** Module and name of each kernel that is committed for a compute capability. */
    private static Set<String> kernels(int capability) throws IOException {
        Set<String> kernels = new TreeSet<>();
        for (Path file : modules(capability)) {
            String module = file.getFileName().toString().replace(".ptx", "");
            ENTRY.matcher(Files.readString(file))
                    .results()
                    .forEach(entry -> kernels.add(module + "," + entry.group(1)));
        }
        return kernels;
    }

    private static List<Path> modules(int capability) throws IOException {
        try (Stream<Path> files = Files.list(KERNELS.resolve("ptx/compute_" + capability))) {
            return files.toList();
        }
    }

    private static List<String[]> rows() throws IOException {
        List<String> lines = Files.readAllLines(KERNELS.resolve("resources.csv"));
        return lines.stream().skip(1).map(line -> line.split(",", -1)).toList();
    }

    private record Run(int exitCode, String output) {}

    private static Run compile(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("scripts/compile-cuda"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(1, TimeUnit.MINUTES), "scripts/compile-cuda wrote its output and does not end");
        return new Run(process.exitValue(), output);
    }
}
