package dev.nibble.cli;

import dev.nibble.LanguageModel;
import dev.nibble.evaluation.GreedyAgreement;
import dev.nibble.evaluation.GreedyItem;
import dev.nibble.evaluation.Perplexity;
import dev.nibble.evaluation.PerplexityOptions;
import dev.nibble.evaluation.Quality;
import dev.nibble.evaluation.SampleText;
import dev.nibble.evaluation.TextWindows;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code nibble perplexity}: how well a model predicts a text, and what its quantization has cost. */
@Command(
        name = "perplexity",
        description = {
            "Measures how well a model predicts a text.",
            "The text is cut into windows of --ctx tokens (by default 512, or the model's context if that is less);"
                    + " the second half of each counts.",
            ""
        })
final class PerplexityCommand implements Callable<Integer> {
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
            names = "--save-logits",
            paramLabel = "FILE",
            description = "Save the model's predictions, for others to be compared with.")
    private @Nullable Path saveTo;

    @Option(
            names = "--against",
            paramLabel = "FILE",
            description =
                    "Compare with the saved predictions of a base model: Kullback-Leibler divergence, same likeliest"
                            + " token, differences of probability.")
    private @Nullable Path against;

    @Option(
            names = "--greedy",
            paramLabel = "ITEMS",
            description = {
                "Count the continuations that stay word for word those of a reference; without -f, only that.",
                "ITEMS has a JSON object per line: {\"prompt_ids\": [1, ...], \"ids\": [290, ...]}."
            })
    private @Nullable Path greedy;

    @Override
    public Integer call() throws IOException {
        windowing.check();
        Terminal terminal = nibble.terminal();
        try (LanguageModel model = arguments.open(terminal, false)) {
            boolean onText = greedy == null || text.given() || saveTo != null || against != null;
            Quality quality = onText ? quality(model) : null;
            GreedyAgreement agreement = greedy == null ? null : agreement(model, new GreedyFile(greedy).read(model));
            QualityReport report = new QualityReport(model.info(), quality, agreement);
            terminal.print(common.json() ? Json.write(report.json()) + "\n" : report.text());
        }
        return ExitStatus.DONE.code();
    }

    private Quality quality(LanguageModel model) throws IOException {
        TextWindows windows = windowing.cut(model, text.read(SampleText::read), arguments.context());
        PerplexityMeter meter = new PerplexityMeter(nibble.terminal());
        try {
            return Perplexity.measure(model, windows, new PerplexityOptions(saveTo, against, meter::update));
        } finally {
            meter.clear();
        }
    }

    private GreedyAgreement agreement(LanguageModel model, List<GreedyItem> items) throws IOException {
        ProgressBar bar = new ProgressBar(nibble.terminal(), "continuing");
        try {
            return GreedyAgreement.measure(model, items, done -> bar.update(done, items.size(), "items"));
        } finally {
            bar.clear();
        }
    }
}
