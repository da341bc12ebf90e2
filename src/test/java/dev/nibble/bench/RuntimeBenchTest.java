package dev.nibble.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.cli.Terminal;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The program {@code runtime-bench}. */
final class RuntimeBenchTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private int bench(String line) {
        Terminal terminal = new Terminal(
                new ByteArrayInputStream(new byte[0]), out, new PrintStream(err, true, StandardCharsets.UTF_8), false);
        return RuntimeBench.execute(terminal, line.split(" "));
    }

    private String text(ByteArrayOutputStream stream) {
        return stream.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aShapeThatDoesNotFitIsRefusedWithNumbers() {
        assertEquals(5, bench("--shape llama-3.3-70b:f32 -p 8 -n 8"), text(err));
        assertTrue(text(err).matches("(?s).*weights [0-9,]+\\.\\d MiB.*available [0-9,]+\\.\\d MiB.*"), text(err));
        assertEquals("", text(out));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    --shape llama-9-1b:q4_0 | llama-3.2-1b
                    --shape llama-3.2-1b    | q4_0
                    -p 0 -n 0               | nothing to measure
                    -p -5                   | must not be negative
                    -r 0                    | -r must be 1
                    --markdown --csv        | mutually exclusive
                    """)
    void wrongUseEndsWithTwo(String line, String inMessage) {
        assertEquals(2, bench(line), text(err));
        assertTrue(text(err).startsWith("runtime-bench: "), text(err));
        assertTrue(text(err).contains(inMessage), text(err));
    }

    /** Devices that work in turns have no common limit to be judged by. */
    @Test
    void severalDevicesAreNamedInARow() {
        assertEquals(0, bench("-p 8 -n 0 -r 1 --device cpu,reference --threads 1 --markdown"), text(err));
        assertTrue(text(out).contains("| cpu,reference | 1 | pp8 |"), text(out));
        assertTrue(text(out).stripTrailing().endsWith("| - | - |"), text(out));
        assertTrue(text(err).contains("; reference (layer"), text(err));
    }

    @Test
    void tablesAreForMarkdownToo() {
        assertEquals(0, bench("-p 8 -n 0 -r 1 --device reference --markdown"), text(err));
        assertTrue(text(out).startsWith("| model | type | device |"), text(out));
        assertTrue(text(out).contains("| pp8 |"), text(out));
    }
}
