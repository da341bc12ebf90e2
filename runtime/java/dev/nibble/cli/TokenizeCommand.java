package dev.nibble.cli;

import dev.nibble.ModelFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code nibble tokenize}: the token ids of a text. */
@Command(name = "tokenize", description = "Turns text into token ids. The model file needs no weights.")
final class TokenizeCommand implements Callable<Integer> {
    @ParentCommand
    private Nibble nibble;

    @Mixin
    private CommonOptions common;

    @Mixin
    private VocabularyArguments arguments;

    @Option(names = "--text", paramLabel = "TEXT", description = "The text; without it, the standard input.")
    private @Nullable String text;

    @Option(names = "--plain", description = "Add no BOS or EOS, and take special tokens in the text as plain text.")
    private boolean plain;

    @Option(
            names = "--batch",
            paramLabel = "FILE",
            description = "A JSON array of strings; the output is a JSON array of arrays of ids.")
    private @Nullable Path batch;

    @Override
    public Integer call() throws IOException {
        try (ModelFile file = arguments.open()) {
            if (batch != null) {
                List<int[]> all = new ArrayList<>();
                for (String line : Json.read(batch, String[].class, "a JSON array of strings")) {
                    all.add(encode(file, line));
                }
                nibble.terminal().println(Json.write(all));
            } else {
                print(file, encode(file, text != null ? text : nibble.terminal().readAll()));
            }
        }
        return ExitStatus.DONE.code();
    }

    private void print(ModelFile file, int[] ids) {
        if (common.json()) {
            List<String> pieces = Arrays.stream(ids).mapToObj(file::piece).toList();
            nibble.terminal().println(Json.write(Json.object("ids", ids, "pieces", pieces)));
        } else {
            nibble.terminal()
                    .println(Arrays.stream(ids).mapToObj(String::valueOf).collect(Collectors.joining(" ")));
        }
    }

    private int[] encode(ModelFile file, String input) {
        return plain ? file.tokenizePlain(input) : file.tokenize(input);
    }
}
