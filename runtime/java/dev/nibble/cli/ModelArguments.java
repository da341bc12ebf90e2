package dev.nibble.cli;

import dev.nibble.LanguageModel;
import dev.nibble.ModelInfo;
import dev.nibble.ModelOptions;
import dev.nibble.device.Arithmetic;
import dev.nibble.device.ProductObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which model to run, and on what. */
final class ModelArguments {
    @Option(
            names = {"-m", "--model"},
            paramLabel = "FILE",
            description = "The GGUF file; by default the model that comes with the program.")
    private @Nullable Path model;

    @Option(
            names = "--ctx",
            paramLabel = "N",
            description = "Tokens of context to make room for; by default what the model was trained on, at most 4096.")
    private @Nullable Integer context;

    @Mixin
    private DeviceArguments device;

    /** The file, if one was named. */
    Optional<Path> file() {
        return Optional.ofNullable(model);
    }

    /** The tokens of context that were asked for. */
    OptionalInt context() {
        return context == null ? OptionalInt.empty() : OptionalInt.of(context);
    }

    /** How linear layers shall be computed, unless the command says so otherwise. */
    Arithmetic arithmetic() {
        return device.arithmetic();
    }

    /**
     * Opens the model, with a progress bar if that takes long, and says in a line which device was chosen, where that was left
     * open, or which layers each of several has.
     *
     * @param exact whether activations stay in float32, which only the reference device does
     */
    LanguageModel open(Terminal terminal, boolean exact) throws IOException {
        return open(terminal, exact, null);
    }

    /**
     * The same, with somebody who watches the model at work.
     *
     * @param observer hears what goes into its matrix products
     */
    LanguageModel open(Terminal terminal, boolean exact, @Nullable ProductObserver observer) throws IOException {
        ModelOptions.Builder builder = device.options(exact ? "reference" : null);
        if (exact) {
            device.requireDefaultArithmetic("--activations f32");
            builder.arithmetic(Arithmetic.EXACT);
        }
        if (context != null) {
            if (context < 1) {
                throw new IllegalArgumentException("--ctx must be 1 or more; given " + context);
            }
            builder.context(context);
        }
        ProgressBar bar = new ProgressBar(terminal, "loading");
        ModelOptions options =
                builder.onProgress(bar::update).observer(observer).build();
        LanguageModel opened;
        try {
            opened = model == null ? LanguageModel.openDemo(options) : LanguageModel.open(model, options);
        } finally {
            bar.clear();
        }
        ModelInfo info = opened.info();
        if (device.wantsReport() || info.device().contains(",")) {
            terminal.note("device: " + info.device() + " (" + info.deviceDescription() + ")");
        }
        if (!opened.splitReason().isEmpty()) {
            terminal.note("split: " + opened.splitReason());
        }
        return opened;
    }
}
