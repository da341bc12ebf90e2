package dev.nibble.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/**
 * What the launchers run once after a build, for the JVM to record which classes a run loads and how they behave: it starts
 * quicker with that. Prints nothing.
 */
final class StartUpTraining {
    private static final String[][] RUNS = {
        {"--version"},
        {"run", "--help"},
        {"devices"},
        {"tokenize", "--text", "Anna put the red ball in the blue box."},
        {"run", "-p", "Anna put the red ball in the blue box.", "-n", "100"},
        {"run", "-p", "Anna put the red ball in the blue box.", "-n", "100", "--temperature", "0", "--json"}
    };

    private StartUpTraining() {}

    /** Runs typical commands; ends with 1 if one of them fails. */
    public static void main(String[] arguments) {
        for (String[] run : RUNS) {
            Terminal terminal = new Terminal(
                    new ByteArrayInputStream(new byte[0]),
                    new ByteArrayOutputStream(),
                    new PrintStream(new ByteArrayOutputStream(), true, StandardCharsets.UTF_8),
                    false);
            if (Nibble.execute(terminal, new Interruption(), run) != 0) {
                System.exit(1);
            }
        }
    }
}
