package dev.nibble.cli;

import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** The command line: one subcommand per task. */
@Command(
        name = "nibble",
        description = "Runs quantized language models from GGUF files.%n",
        synopsisSubcommandLabel = "COMMAND",
        versionProvider = Version.class,
        mixinStandardHelpOptions = true,
        scope = ScopeType.LOCAL,
        footer = {
            "",
            "Without a model, the commands use the small one that comes with the program.",
            "Exit codes: 0 done, 2 usage, 3 invalid model or data, 4 device or feature unavailable, 5 does not fit."
        })
public final class Nibble implements Runnable {
    /** The subcommands, in the order of the help. */
    private static final List<Class<?>> COMMANDS = List.of(
            RunCommand.class,
            TokenizeCommand.class,
            DetokenizeCommand.class,
            LogitsCommand.class,
            PerplexityCommand.class,
            CalibrateCommand.class,
            TuneCommand.class,
            PlanCommand.class,
            InspectCommand.class,
            QuantizeCommand.class,
            DevicesCommand.class);

    private final Terminal terminal;
    private final Interruption interruption;

    @Spec
    private CommandSpec spec;

    Nibble(Terminal terminal, Interruption interruption) {
        this.terminal = terminal;
        this.interruption = interruption;
    }

    /** Runs one command and ends the process with its status. */
    public static void main(String[] arguments) {
        Interruption interruption = Interruption.ofProcess();
        int status = execute(Terminal.ofProcess(), interruption, arguments);
        interruption.end();
        System.exit(status);
    }

    /** Runs one command on these streams. */
    static int execute(Terminal terminal, Interruption interruption, String... arguments) {
        CommandLine line = new CommandLine(new Nibble(terminal, interruption));
        commands(arguments).forEach(line::addSubcommand);
        return CommandLines.execute(line, terminal, arguments);
    }

    /** The subcommand that is named first; all of them if none is. Looking into each one's options takes a while. */
    private static List<Class<?>> commands(String... arguments) {
        return COMMANDS.stream()
                .filter(type -> arguments.length > 0
                        && type.getAnnotation(Command.class).name().equals(arguments[0]))
                .findFirst()
                .<List<Class<?>>>map(List::of)
                .orElse(COMMANDS);
    }

    /** The streams that the command works on. */
    Terminal terminal() {
        return terminal;
    }

    /** What Ctrl-C does. */
    Interruption interruption() {
        return interruption;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is needed");
    }
}
