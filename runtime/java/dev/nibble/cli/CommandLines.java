package dev.nibble.cli;

import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** What all programs of this project share in the way they read their arguments and end. */
public final class CommandLines {
    private static final int HELP_WIDTH = 110;

    private CommandLines() {}

    /**
     * Parses the arguments and runs the command. Failures become one line on the standard error and an exit code.
     *
     * @param command an object with picocli's annotations
     * @return the exit code
     */
    public static int execute(Object command, Terminal terminal, String... arguments) {
        return execute(new CommandLine(command), terminal, arguments);
    }

    /** The same with a command that has its subcommands. */
    static int execute(CommandLine line, Terminal terminal, String... arguments) {
        String program = line.getCommandName();
        line.setOut(new PrintWriter(new OutputStreamWriter(terminal.out(), StandardCharsets.UTF_8), true));
        line.setErr(new PrintWriter(new OutputStreamWriter(terminal.err(), StandardCharsets.UTF_8), true));
        line.setUsageHelpWidth(HELP_WIDTH);
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setParameterExceptionHandler((failure, ignored) -> reportUsage(program, terminal, failure));
        line.setExecutionExceptionHandler((failure, ignored, result) -> terminal.report(program, failure));
        return run(line, program, terminal, arguments);
    }

    private static int run(CommandLine line, String program, Terminal terminal, String... arguments) {
        try {
            return line.execute(arguments);
        } catch (OutOfMemoryError e) {
            return terminal.report(program, e);
        }
    }

    private static int reportUsage(String program, Terminal terminal, ParameterException failure) {
        String command = failure.getCommandLine().getCommandSpec().qualifiedName();
        String message = failure.getMessage();
        terminal.note(program + ": " + Character.toLowerCase(message.charAt(0)) + message.substring(1) + " (see "
                + command + " --help)");
        return ExitStatus.USAGE.code();
    }
}
