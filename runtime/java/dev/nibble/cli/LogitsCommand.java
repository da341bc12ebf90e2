package dev.nibble.cli;

import dev.nibble.LanguageModel;
import dev.nibble.TokenSession;
import dev.nibble.device.Arithmetic;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code nibble logits}: what the model says about the token after each of the given ones. */
@Command(
        name = "logits",
        description =
                "Writes the logits at every position of a token sequence: little-endian float32 values, [tokens][vocabulary].")
final class LogitsCommand implements Callable<Integer> {
    @ParentCommand
    private Nibble nibble;

    @Mixin
    private CommonOptions common;

    @Mixin
    private ModelArguments arguments;

    @Option(
            names = "--tokens",
            required = true,
            split = ",",
            paramLabel = "ID",
            description = "The token ids, separated by commas; none is added to them.")
    private List<Integer> tokens;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The file to write.")
    private Path out;

    @Option(
            names = "--activations",
            defaultValue = "int8",
            paramLabel = "KIND",
            description = {
                "How rows meet quantized weights: int8, or f32 (exact; the reference device does it).",
                "Default: ${DEFAULT-VALUE}."
            })
    private Activations activations;

    /** How rows meet quantized weights. */
    enum Activations {
        INT8,
        F32
    }

    @Override
    public Integer call() throws IOException {
        int[] ids = tokens.stream().mapToInt(Integer::intValue).toArray();
        try (LanguageModel model = arguments.open(nibble.terminal(), activations == Activations.F32);
                TokenSession session = model.session();
                FloatFile file = FloatFile.create(out)) {
            session.feed(ids, (position, logits) -> file.write(logits));
            report(model, ids.length);
        }
        return ExitStatus.DONE.code();
    }

    private void report(LanguageModel model, int count) {
        int vocabulary = model.info().vocabulary();
        Arithmetic arithmetic = activations == Activations.F32 ? Arithmetic.EXACT : arguments.arithmetic();
        if (common.json()) {
            nibble.terminal()
                    .println(Json.write(Json.object(
                            "file",
                            out.toString(),
                            "tokens",
                            count,
                            "vocabulary",
                            vocabulary,
                            "device",
                            model.info().deviceLabel(),
                            "arithmetic",
                            arithmetic.id(),
                            "activations",
                            arithmetic == Arithmetic.EXACT ? "f32" : "int8")));
        } else {
            nibble.terminal().note(out + ": " + count + " x " + vocabulary + " logits");
        }
    }
}
