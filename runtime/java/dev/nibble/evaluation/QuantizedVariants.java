package dev.nibble.evaluation;

import dev.nibble.LanguageModel;
import dev.nibble.ModelQuantizer;
import dev.nibble.QuantizationOptions;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Makes variants of a model by quantizing it, with what a calibration says of its columns. */
final class QuantizedVariants {
    private final TuningOptions options;
    private final Path folder;
    private @Nullable Path importance;

    /** @param folder where variants are made */
    QuantizedVariants(TuningOptions options, Path folder) {
        this.options = options;
        this.folder = folder;
    }

    /**
     * Makes one, in a file that is the caller's to delete.
     *
     * @param windows the most windows of the calibration text to read before the first is made
     */
    Path make(String type, int windows) throws IOException {
        if (importance == null) {
            importance = calibrate(windows);
        }
        QuantizationOptions quantization = QuantizationOptions.builder(type)
                .importance(importance)
                .allowRequantize(options.allowRequantize())
                .build();
        Path variant = folder.resolve(type + ".gguf");
        try (ModelQuantizer quantizer = ModelQuantizer.open(options.base(), quantization)) {
            quantizer.write(variant, (done, total) -> {});
        }
        return variant;
    }

    private Path calibrate(int windows) throws IOException {
        Calibration calibration = new Calibration();
        try (LanguageModel model = LanguageModel.open(
                options.base(),
                options.model()
                        .get()
                        .context(options.windowFor(Integer.MAX_VALUE))
                        .observer(calibration)
                        .build())) {
            int size = options.windowFor(model.info().trainedContext());
            TextWindows text = TextWindows.of(model, options.calibrationText(), size, windows);
            calibration.read(model, text, "calibration", done -> {});
        }
        Path file = folder.resolve("importance.gguf");
        calibration.write(file);
        return file;
    }
}
