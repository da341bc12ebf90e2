package dev.nibble.cli;

import dev.nibble.ModelFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code nibble detokenize}: the text of token ids. */
@Command(name = "detokenize", description = "Turns token ids into text. The model file needs no weights.")
final class DetokenizeCommand implements Callable<Integer> {
    @ParentCommand
    private Nibble nibble;

    @Mixin
    private CommonOptions common;

    @Mixin
    private VocabularyArguments arguments;

    @Option(
            names = "--text",
            paramLabel = "IDS",
            description = "The ids, separated by spaces or commas; without it, the standard input.")
    private @Nullable String text;

    @Option(
            names = "--batch",
            paramLabel = "FILE",
            description = "A JSON array of arrays of ids; the output is a JSON array of strings.")
    private @Nullable Path batch;

    @Override
    public Integer call() throws IOException {
        try (ModelFile file = arguments.open()) {
            if (batch != null) {
                List<String> all = new ArrayList<>();
                for (int[] ids : Json.read(batch, int[][].class, "a JSON array of arrays of token ids")) {
                    all.add(file.detokenize(ids));
                }
                nibble.terminal().println(Json.write(all));
            } else {
                print(file.detokenize(
                        ids(text != null ? text : nibble.terminal().readAll())));
            }
        }
        return ExitStatus.DONE.code();
    }

    private void print(String decoded) {
        if (common.json()) {
            nibble.terminal().println(Json.write(Json.object("text", decoded)));
        } else {
            nibble.terminal().print(decoded);
        }
    }

    private static int[] ids(String list) {
        return Arrays.stream(list.split("[\\s,\\[\\]]+"))
                .filter(id -> !id.isEmpty())
                .mapToInt(DetokenizeCommand::id)
                .toArray();
    }

    private static int id(String digits) {
        try {
            return Integer.parseInt(digits);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + digits + "' is no token id", e);
        }
    }
}
