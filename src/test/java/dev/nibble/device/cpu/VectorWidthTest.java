package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs the matrix kernels in a Java process of its own with narrower vectors than its own. */
class VectorWidthTest {
    @ParameterizedTest
    @ValueSource(ints = {128, 256})
    void productsAreRightAtOtherWidths(int bits) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector",
                        "-Xmx512m",
                        "-Ddev.nibble.cpu.vectorBits=" + bits,
                        "-Ddev.nibble.cpu.kernels=vector",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "dev.nibble.device.cpu.ProductCheck")
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        String[] lines = output.strip().split("\\R");
        assertEquals(bits + " bits", lines[lines.length - 1]);
    }
}
