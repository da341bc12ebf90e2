package dev.nibble.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaLibrary;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The folder for machines without Java: made, then used with nothing of this machine but a shell. */
@Tag("slow")
@Timeout(value = 8, unit = TimeUnit.MINUTES)
final class GpuBundleIT {
    private static final long MOST_BYTES = 60L << 20;
    private static final List<String> TOOLS = List.of("bash", "env", "dirname", "readlink");

    @TempDir
    private static Path folder;

    private static Path bundle;
    private static Path tools;

    private record Result(int status, String out, String err) {}

    @BeforeAll
    static void make() throws Exception {
        bundle = folder.resolve("nibble");
        Process process = new ProcessBuilder("scripts/gpu-bundle", bundle.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        assertEquals(0, process.waitFor(), () -> read(folder.resolve("log")));
        tools = Files.createDirectory(folder.resolve("tools"));
        for (String tool : TOOLS) {
            Files.createSymbolicLink(tools.resolve(tool), onPath(tool));
        }
    }

    /** Else the folder's end warns of links that lead out of it. */
    @AfterAll
    static void unlink() throws IOException {
        for (String tool : TOOLS) {
            Files.deleteIfExists(tools.resolve(tool));
        }
    }

    private static Path onPath(String tool) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .map(directory -> Path.of(directory, tool))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private Result run(Map<String, String> environment, String program, String... arguments) throws Exception {
        ProcessBuilder builder = new ProcessBuilder(
                Stream.concat(Stream.of(bundle.resolve("bin").resolve(program).toString()), Stream.of(arguments))
                        .toList());
        builder.environment().clear();
        builder.environment().put("PATH", tools.toString());
        builder.environment().putAll(environment);
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        Process process = builder.directory(folder.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        return new Result(process.waitFor(), read(out), read(err));
    }

    @Test
    void itIsSmall() throws IOException {
        try (Stream<Path> files = Files.walk(bundle)) {
            long bytes = files.mapToLong(
                            file -> file.toFile().isFile() ? file.toFile().length() : 0)
                    .sum();
            assertTrue(bytes > MOST_BYTES / 4 && bytes <= MOST_BYTES, bytes + " bytes");
        }
    }

    @Test
    void theBundledModelWritesWithoutJavaOnTheMachine() throws Exception {
        Result result = run(Map.of(), "nibble", "run", "--temperature", "0", "-n", "8", "-p", "Once upon a time");
        assertEquals(0, result.status(), result.err());
        assertTrue(result.out().length() > 10, result.out());
        assertTrue(result.err().contains("native kernels") || result.err().contains("vectors"), result.err());
    }

    @Test
    void theBenchmarkMeasures() throws Exception {
        Result result = run(Map.of(), "runtime-bench", "-p", "8", "-n", "0", "-r", "1", "--json");
        assertEquals(0, result.status(), result.err());
        assertEquals(
                "pp8",
                new JsonMapper().readTree(result.out()).get(0).get("test").asString());
    }

    @Test
    void withoutADeviceTheCheckFailsAndSaysWhy() throws Exception {
        Map<String, String> environment = Map.of(CudaLibrary.ENVIRONMENT, "/nowhere/libcuda.so.1");
        Result result = run(environment, "gpu-check", "--quick");
        assertEquals(1, result.status(), result.out());
        JsonNode report = new JsonMapper().readTree(read(folder.resolve("gpu-check.json")));
        assertTrue(!report.get("good").asBoolean(), result.out());
        for (JsonNode part : report.get("parts")) {
            assertEquals("left out", part.get("end").asString(), part.toString());
        }
        assertTrue(result.out().contains("no CUDA driver (/nowhere/libcuda.so.1)"), result.out());
    }

    @Test
    void theCheckHoldsOnTheSimulator() throws Exception {
        String simulator = CudaLibrary.simulator();
        Assumptions.assumeTrue(Files.exists(Path.of(simulator)), "the CUDA simulator was not built");
        Map<String, String> environment = Map.of(CudaLibrary.ENVIRONMENT, simulator);
        Result result = run(environment, "gpu-check", "--quick", "--device", "simulator", "--json", "simulated.json");
        assertEquals(0, result.status(), result.out() + result.err());
        JsonNode report = new JsonMapper().readTree(read(folder.resolve("simulated.json")));
        assertTrue(report.get("good").asBoolean(), result.out());
        assertTrue(part(report, "tests: cuda").get("held").asInt() >= 2, report.toString());
        assertTrue(part(report, "tests: golden models").get("held").asInt() >= 2, report.toString());
        assertTrue(part(report, "kernels").size() > 8, report.toString());
        assertEquals("tg2", part(report, "whole models").get(1).get("test").asString());
        assertTrue(result.out().contains("left out"), "there is no python3: " + result.out());
    }

    private static JsonNode part(JsonNode report, String name) {
        return report.get("parts")
                .valueStream()
                .filter(part -> part.get("part").asString().equals(name))
                .findFirst()
                .orElseThrow()
                .get("result");
    }
}
