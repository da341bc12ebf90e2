package dev.nibble.cli;

import dev.nibble.LanguageModel;
import dev.nibble.evaluation.Calibration;
import dev.nibble.evaluation.SampleText;
import dev.nibble.evaluation.TextWindows;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code nibble calibrate}: which columns of a model's matrices matter, for the quantizer. */
@Command(
        name = "calibrate",
        description = {
            "Has a model read a text, and notes how strong the activations are that meet each column of its matrices.",
            "`nibble quantize --importance` then keeps the strong columns more exact. Use a text like what the model is for.",
            ""
        })
final class CalibrateCommand implements Callable<Integer> {
    @ParentCommand
    private Nibble nibble;

    @Mixin
    private CommonOptions common;

    @Mixin
    private ModelArguments arguments;

    @Mixin
    private TextArguments text;

    @Mixin
    private WindowArguments windowing;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE",
            description = "The file to write, in the form that llama.cpp calls an importance matrix (GGUF).")
    private Path out;

    @Override
    public Integer call() throws IOException {
        windowing.check();
        new OutputFile("--out", out).check(Stream.of(arguments.file(), text.file()));
        String content = text.read(SampleText::readCalibration);
        Calibration calibration = new Calibration();
        try (LanguageModel model = arguments.open(nibble.terminal(), false, calibration)) {
            TextWindows windows = windowing.cut(model, content, arguments.context());
            read(calibration, model, windows);
            calibration.write(out);
            report(calibration, windows);
        }
        return ExitStatus.DONE.code();
    }

    private void read(Calibration calibration, LanguageModel model, TextWindows windows) throws IOException {
        ProgressBar bar = new ProgressBar(nibble.terminal(), "reading");
        try {
            calibration.read(model, windows, text.name(), done -> bar.update(done, windows.count(), "windows"));
        } finally {
            bar.clear();
        }
    }

    private void report(Calibration calibration, TextWindows windows) {
        int tokens = windows.count() * windows.size();
        if (calibration.unmet() > 0) {
            nibble.terminal()
                    .note(calibration.unmet()
                            + " matrices of experts met no token: use a longer text to know their columns too");
        }
        if (common.json()) {
            nibble.terminal()
                    .println(Json.write(Json.object(
                            "file", out.toString(),
                            "windows", windows.count(),
                            "tokens", tokens,
                            "matrices", calibration.matrices(),
                            "matrices_unmet", calibration.unmet())));
        } else {
            nibble.terminal()
                    .note(out + ": columns of " + calibration.matrices() + " matrices, over " + tokens + " tokens");
        }
    }
}
