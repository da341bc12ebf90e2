package dev.nibble.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** The progress bar appears only where and when it helps. */
final class ProgressBarTest {
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    private ProgressBar bar(boolean interactive) {
        return new ProgressBar(
                CommandLineHarness.terminal("", OutputStream.nullOutputStream(), err, interactive), "loading");
    }

    private String shown() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void quickLoadsShowNothing() {
        ProgressBar bar = bar(true);
        bar.update(1, 2);
        bar.clear();
        assertEquals("", shown());
    }

    @Test
    void slowLoadsShowTheShareAndLeaveNoTrace() throws Exception {
        ProgressBar bar = bar(true);
        Thread.sleep(550);
        bar.update(1L << 30, 4L << 30);
        assertTrue(shown().contains("loading [#######"), shown());
        assertTrue(shown().contains(" 25%, 1.00 GiB of 4.00 GiB"), shown());
        bar.clear();
        assertTrue(shown().endsWith("\r\u001b[K"), shown());
    }

    @Test
    void filesGetNoBar() throws Exception {
        ProgressBar bar = bar(false);
        Thread.sleep(550);
        bar.update(1, 2);
        bar.clear();
        assertEquals("", shown());
    }
}
