package dev.nibble.cli;

import dev.nibble.ModelFile;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whose vocabulary to use. */
final class VocabularyArguments {
    @Option(
            names = {"-m", "--model"},
            paramLabel = "FILE",
            description = "The GGUF file; by default the model that comes with the program.")
    private @Nullable Path model;

    /** Reads the file. */
    ModelFile open() throws IOException {
        return model == null ? ModelFile.openDemo() : ModelFile.open(model);
    }
}
