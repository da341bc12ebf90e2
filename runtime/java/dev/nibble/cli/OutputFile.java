package dev.nibble.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A file that a command writes after long work: whether it can be is found out before.
 *
 * @param option that names it, for messages
 */
record OutputFile(String option, Path path) {
    /**
     * Checks the place.
     *
     * @param inputs the files that the command reads, those that were named
     * @throws IllegalArgumentException if a folder stands there, if there is no folder to put it in, or if it is one of the inputs
     */
    void check(Stream<Optional<Path>> inputs) throws IOException {
        if (Files.isDirectory(path)) {
            throw refusal("this is a folder; name a file in it");
        }
        if (!Files.isDirectory(folder())) {
            throw refusal("there is no folder " + folder() + " to put it in");
        }
        for (Path input : inputs.flatMap(Optional::stream).toList()) {
            if (Files.exists(path) && Files.exists(input) && Files.isSameFile(path, input)) {
                throw refusal("this is a file that is read; give the new one another name");
            }
        }
    }

    /** The folder that it will be in. */
    Path folder() {
        Path parent = path.toAbsolutePath().getParent();
        return parent == null ? path.toAbsolutePath() : parent;
    }

    private IllegalArgumentException refusal(String why) {
        return new IllegalArgumentException(option + " " + path + ": " + why);
    }
}
