package dev.nibble.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line in a process of its own, to be killed or kept from writing. */
final class NibbleProcess {
    private NibbleProcess() {}

    /**
     * Starts a command.
     *
     * @param before what the shell does first, e.g. {@code ulimit -f 100;}
     */
    static Process start(String before, String... arguments) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        String path = System.getProperty("java.class.path");
        List<String> command = new ArrayList<>(
                List.of("bash", "-c", before + "exec \"$0\" \"$@\"", java, "-cp", path, Nibble.class.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }
}
