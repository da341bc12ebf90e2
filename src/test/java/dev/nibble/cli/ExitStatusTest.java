package dev.nibble.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.InvalidModelException;
import dev.nibble.OutOfCapacityException;
import dev.nibble.UnsupportedFeatureException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Which failure gives which exit code. */
final class ExitStatusTest {
    @Test
    void codesAreThoseThatScriptsRelyOn() {
        assertEquals(
                0, ExitStatus.of(new ClosedOutputException(new IOException())).code());
        assertEquals(2, ExitStatus.of(new IllegalArgumentException()).code());
        assertEquals(
                3,
                ExitStatus.of(new InvalidModelException(Path.of("m"), 8, "bad")).code());
        assertEquals(3, ExitStatus.of(new IOException()).code());
        assertEquals(4, ExitStatus.of(new UnsupportedFeatureException("no")).code());
        assertEquals(5, ExitStatus.of(new OutOfCapacityException("full")).code());
        assertEquals(5, ExitStatus.of(new OutOfMemoryError()).code());
        assertEquals(1, ExitStatus.of(new NullPointerException()).code());
    }

    @Test
    void messagesSayWhatFailed() {
        assertEquals("m, byte 8: bad", ExitStatus.describe(new InvalidModelException(Path.of("m"), 8, "bad")));
        assertEquals("there is no file m", ExitStatus.describe(new NoSuchFileException("m")));
        assertTrue(ExitStatus.describe(new NullPointerException("x")).contains(Terminal.STACK_TRACES));
    }
}
