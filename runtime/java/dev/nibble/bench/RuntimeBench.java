package dev.nibble.bench;

import dev.nibble.LanguageModel;
import dev.nibble.ModelInfo;
import dev.nibble.ModelOptions;
import dev.nibble.OutOfCapacityException;
import dev.nibble.cli.CommandLines;
import dev.nibble.cli.CommonOptions;
import dev.nibble.cli.DeviceArguments;
import dev.nibble.cli.ExitStatus;
import dev.nibble.cli.ProgressBar;
import dev.nibble.cli.ProjectionReport;
import dev.nibble.cli.Table;
import dev.nibble.cli.Terminal;
import dev.nibble.cli.Version;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The program that tells how fast models run, and how near to the limit of the device. */
@Command(
        name = "runtime-bench",
        versionProvider = Version.class,
        description = {
            "Measures how fast models read prompts (pp) and generate tokens (tg), and what share that is of the",
            "device's own limit, measured in the same run: of the fastest streaming read for tg rows, of the fastest",
            "product of small quantized matrices (on CUDA, of what multiplies int8 and does nothing else) for pp rows.",
            "Where the driver tells what devices consume, rows have joules per token.",
            "",
            "Several devices have a row each beside their common one, of one more run: the share of its time in which the",
            "device was busy with steps, and in which it exchanged with others or waited for that, by its own clock; the",
            "rate while it was busy; the kB that it took over from others for a token; and how long that takes by itself,",
            "as copies (layer split) or as all-reduce (tensor split). CUDA devices that reach each other do the latter within",
            "their steps, so that it counts as busy; elsewhere adding up does.",
            "",
            "For a shape with fewer layers (deepseek-r1/4:ud-iq1_s), generation on one device is projected to all layers on",
            "two such devices, at the measured share of the roofline: a model, not a measurement.%n"
        })
public final class RuntimeBench implements Callable<Integer> {
    /** The most tokens of a prompt that are computed in one step. */
    private static final int BATCH = 512;

    private final Terminal terminal;

    @Mixin
    private CommonOptions common;

    @Mixin
    private DeviceArguments device;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Show the version and exit.")
    private boolean version;

    @Option(
            names = {"-m", "--model"},
            split = ",",
            paramLabel = "FILE",
            description = "GGUF files; without these and --shape, the model that comes with the program.")
    private List<Path> files = List.of();

    @Option(
            names = "--shape",
            split = ",",
            paramLabel = "NAME:TYPE",
            description = "The shapes of a public model with made-up weights, for example llama-3.2-1b:q4_0.")
    private List<String> shapes = List.of();

    @Option(
            names = {"-p", "--prompt"},
            split = ",",
            defaultValue = "512",
            paramLabel = "N",
            description = "Tokens of the prompts to read; 0: none. Default: ${DEFAULT-VALUE}.")
    private List<Integer> prompts;

    @Option(
            names = {"-n", "--generate"},
            split = ",",
            defaultValue = "128",
            paramLabel = "N",
            description = "Tokens to generate; 0: none. Default: ${DEFAULT-VALUE}.")
    private List<Integer> generations;

    @Option(
            names = {"-r", "--repetitions"},
            defaultValue = "5",
            paramLabel = "N",
            description = "How often each test is timed, after a warm-up. Default: ${DEFAULT-VALUE}.")
    private int repetitions;

    @Option(
            names = "--depth",
            split = ",",
            defaultValue = "0",
            paramLabel = "N",
            description = "Tokens that the context holds before each test. Default: ${DEFAULT-VALUE}.")
    private List<Integer> depths;

    @Option(
            names = "--kernels",
            description = {
                "Time each kernel of a step alone instead: of a prompt of -p tokens (at most " + BATCH
                        + "), and of one",
                "token where -n is not 0."
            })
    private boolean kernels;

    @ArgGroup
    private Format format = new Format();

    /** How to print the rows on the standard output. */
    static final class Format {
        @Option(names = "--markdown", description = "Print a Markdown table.")
        private boolean markdown;

        @Option(names = "--csv", description = "Print comma-separated values.")
        private boolean csv;
    }

    @Option(names = "--html", paramLabel = "FILE", description = "Also write a page with a chart to this file.")
    private @Nullable Path html;

    RuntimeBench(Terminal terminal) {
        this.terminal = terminal;
    }

    /** Runs the benchmark and ends the process with its status. */
    public static void main(String[] arguments) {
        System.exit(execute(Terminal.ofProcess(), arguments));
    }

    /** Runs the benchmark on these streams. */
    static int execute(Terminal terminal, String... arguments) {
        return CommandLines.execute(new RuntimeBench(terminal), terminal, arguments);
    }

    /** Opens one model. */
    @FunctionalInterface
    private interface Opening {
        LanguageModel open(ModelOptions options) throws IOException;
    }

    /**
     * Where the weights of one model come from.
     *
     * @param shape the name of made-up ones; empty for a file
     */
    private record Source(String shape, Opening opening) {}

    @Override
    public Integer call() throws IOException {
        List<BenchTest> tests = tests();
        if (kernels) {
            checkKernels(tests);
        }
        List<BenchRow> rows = new ArrayList<>();
        List<KernelRow> kernelRows = new ArrayList<>();
        ExitStatus status = ExitStatus.DONE;
        for (Source source : sources()) {
            try (LanguageModel model = open(source, tests)) {
                measure(model, new BenchProjection(source.shape()), tests, rows, kernelRows);
            } catch (OutOfCapacityException e) {
                terminal.note("runtime-bench: " + e.getMessage());
                status = ExitStatus.DOES_NOT_FIT;
            }
        }
        print(rows, kernelRows);
        return status.code();
    }

    private void checkKernels(List<BenchTest> tests) {
        for (BenchTest test : tests) {
            if (test.tokens() > BATCH) {
                throw new IllegalArgumentException("--kernels looks at one step, which has at most " + BATCH
                        + " tokens of a prompt; -p " + test.tokens() + " are more");
            }
        }
        if (html != null) {
            throw new IllegalArgumentException("--html has no page of --kernels; choose --csv, --markdown or --json");
        }
    }

    private List<BenchTest> tests() {
        if (repetitions < 1) {
            throw new IllegalArgumentException("-r must be 1 or more; given " + repetitions);
        }
        List<BenchTest> tests = new ArrayList<>();
        for (int depth : depths) {
            addTests(tests, BenchTest.Kind.PROMPT, prompts, depth);
            addTests(tests, BenchTest.Kind.GENERATION, kernels ? singles() : generations, depth);
        }
        if (tests.isEmpty()) {
            throw new IllegalArgumentException("-p 0 with -n 0 leaves nothing to measure");
        }
        return tests;
    }

    /** One token for each number of tokens to generate: all have the same step. */
    private List<Integer> singles() {
        return generations.stream()
                .map(count -> Math.clamp(count, -1, 1))
                .distinct()
                .toList();
    }

    private static void addTests(List<BenchTest> tests, BenchTest.Kind kind, List<Integer> counts, int depth) {
        for (int count : counts) {
            if (count < 0 || depth < 0) {
                throw new IllegalArgumentException("-p, -n and --depth must not be negative");
            }
            if (count > 0) {
                tests.add(new BenchTest(kind, count, depth));
            }
        }
    }

    private List<Source> sources() {
        List<Source> sources = new ArrayList<>();
        for (Path file : files) {
            sources.add(new Source("", options -> LanguageModel.open(file, options)));
        }
        for (String shape : shapes) {
            sources.add(new Source(shape, options -> LanguageModel.synthetic(shape, options)));
        }
        if (sources.isEmpty()) {
            sources.add(new Source("", LanguageModel::openDemo));
        }
        return sources;
    }

    private void measure(
            LanguageModel model,
            BenchProjection projection,
            List<BenchTest> tests,
            List<BenchRow> rows,
            List<KernelRow> kernelRows) {
        ModelInfo info = model.info();
        terminal.note(info.name() + " " + info.type() + " on " + info.device() + " (" + info.deviceDescription() + "), "
                + info.memory());
        if (!model.splitReason().isEmpty()) {
            terminal.note("split: " + model.splitReason());
        }
        Optional<BenchLimits> limits = BenchLimits.open(model);
        try {
            for (BenchTest test : tests) {
                if (kernels) {
                    List<KernelRow> measured = new KernelRun(model, limits, repetitions).measure(test);
                    kernelRows.addAll(measured);
                    projection.ofKernels(measured).ifPresent(line -> terminal.note(line.text()));
                    continue;
                }
                BenchRow row = new BenchRun(model, limits, repetitions).measure(test);
                terminal.note(row.summary());
                Optional<ProjectionReport> projected = projection.of(row);
                projected.ifPresent(line -> terminal.note(line.text()));
                rows.add(projected.map(row::with).orElse(row));
            }
        } finally {
            limits.ifPresent(BenchLimits::close);
        }
    }

    private LanguageModel open(Source source, List<BenchTest> tests) throws IOException {
        int context = tests.stream()
                .mapToInt(test -> test.depth() + test.tokens())
                .max()
                .orElseThrow();
        ProgressBar bar = new ProgressBar(terminal, "loading");
        try {
            return source.opening()
                    .open(device.options(null)
                            .context(context)
                            .batch(BATCH)
                            .onProgress(bar::update)
                            .build());
        } finally {
            bar.clear();
        }
    }

    private void print(List<BenchRow> rows, List<KernelRow> kernelRows) throws IOException {
        if (rows.isEmpty() && kernelRows.isEmpty()) {
            return;
        }
        if (common.json()) {
            terminal.println(kernels ? KernelReport.json(kernelRows) : BenchReport.json(rows));
        } else {
            Table table = kernels ? KernelReport.table(kernelRows) : BenchReport.table(rows);
            terminal.print(format.markdown ? table.markdown() : format.csv ? table.csv() : table.text());
        }
        if (html != null) {
            Files.writeString(html, HtmlReport.page(rows));
        }
    }
}
