package dev.nibble.cli;

import picocli.CommandLine.Option;

/** The options of every command. */
public final class CommonOptions {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    private boolean help;

    @Option(names = "--json", description = "Print JSON, for programs.")
    private boolean json;

    /** Whether the output is for programs. */
    public boolean json() {
        return json;
    }
}
