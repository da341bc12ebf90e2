package dev.nibble.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Runs the command line in this process, on streams in memory. */
final class CommandLineHarness {
    private CommandLineHarness() {}

    /** What a command left behind. */
    record Result(int status, String out, String err) {
        /** The lines of the standard output. */
        String[] lines() {
            return out.split("\n");
        }
    }

    static Result nibble(String... arguments) {
        return nibbleReading("", arguments);
    }

    static Result nibbleReading(String input, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status = Nibble.execute(terminal(input, out, err, false), new Interruption(), arguments);
        return new Result(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    static Terminal terminal(String input, OutputStream out, OutputStream err, boolean interactive) {
        return new Terminal(
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                out,
                new PrintStream(err, true, StandardCharsets.UTF_8),
                interactive);
    }
}
