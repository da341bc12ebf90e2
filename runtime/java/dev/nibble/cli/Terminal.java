package dev.nibble.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * The three streams of the process. All text is UTF-8. Output is not buffered beyond a call: what is written is seen.
 *
 * @param in the standard input
 * @param out the standard output: generated text and data
 * @param err the standard error: everything else
 * @param interactive whether people watch the standard error
 */
public record Terminal(InputStream in, OutputStream out, PrintStream err, boolean interactive) {
    /** Diagnostics: with this system property true, failures print their stack trace. */
    public static final String STACK_TRACES = "nibble.stacktraces";

    /** Set by the launchers: whether the standard error is a terminal, which Java cannot tell. */
    private static final String INTERACTIVE = "nibble.terminal";

    /** The streams of this process, without the layers that swallow a closed pipe. */
    public static Terminal ofProcess() {
        return new Terminal(
                System.in, new FileOutputStream(FileDescriptor.out), System.err, Boolean.getBoolean(INTERACTIVE));
    }

    /**
     * Writes text to the standard output.
     *
     * @throws ClosedOutputException if nobody reads it any more
     */
    public void print(String text) {
        try {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            throw new ClosedOutputException(e);
        }
    }

    /** Writes a line to the standard output. */
    public void println(String line) {
        print(line + "\n");
    }

    /** Writes a line for people to the standard error. */
    public void note(String line) {
        err.println(line);
        err.flush();
    }

    /** Everything that the standard input holds, as it is. */
    public String readAll() throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }

    /** Reports a failure in one line and says how the process should end; a closed output is no failure. */
    public int report(String program, Throwable failure) {
        ExitStatus status = ExitStatus.of(failure);
        if (status != ExitStatus.DONE) {
            note(program + ": " + ExitStatus.describe(failure));
            if (Boolean.getBoolean(STACK_TRACES)) {
                failure.printStackTrace(err);
            }
        }
        return status.code();
    }
}
