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
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
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
                "Count the continuations that stay word for word those of a reference; without -f or --windows, only that.",
                "ITEMS has a JSON object per line: {\"prompt_ids\": [1, ...], \"ids\": [290, ...]}."
            })
    private @Nullable Path greedy;

    private volatile boolean interrupted;

    @Override
    public Integer call() throws IOException {
        windowing.check();
        if (saveTo != null) {
            new OutputFile("--save-logits", saveTo)
                    .check(Stream.of(
                            arguments.file(), text.file(), Optional.ofNullable(against), Optional.ofNullable(greedy)));
        }
        String content = isAboutText() ? text.read(SampleText::read) : null;
        Terminal terminal = nibble.terminal();
        try (LanguageModel model = arguments.open(terminal, false)) {
            // Or half a file of predictions would stay.
            nibble.interruption().cancelWith(() -> {
                interrupted = true;
                model.close();
            });
            List<GreedyItem> items = greedy == null ? List.of() : new GreedyFile(greedy).read(model);
            Quality quality = content == null ? null : quality(model, content);
            GreedyAgreement agreement = items.isEmpty() ? null : agreement(model, items);
            QualityReport report = new QualityReport(model.info(), quality, agreement);
            terminal.print(common.json() ? Json.write(report.json()) + "\n" : report.text());
        } catch (IllegalStateException e) {
            if (!interrupted) {
                throw e;
            }
        }
        return ExitStatus.DONE.code();
    }

    private boolean isAboutText() {
        return greedy == null || text.file().isPresent() || windowing.given() || saveTo != null || against != null;
    }

    private Quality quality(LanguageModel model, String content) throws IOException {
        TextWindows windows = windowing.cut(model, content, arguments.context());
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
