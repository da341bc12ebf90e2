package dev.nibble.cli;

import dev.nibble.ModelFile;
import dev.nibble.evaluation.Preference;
import dev.nibble.evaluation.SampleText;
import dev.nibble.evaluation.Tuning;
import dev.nibble.evaluation.TuningOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code nibble tune}: finds the quantization that suits a machine and a purpose. */
@Command(
        name = "tune",
        description = {
            "Finds the quantization of a model, and of its context, that suits this machine and what matters to you: starts at"
                    + " 4 bits, tries fewer and more, then quantizes the context; measures size, speed and what is lost, and"
                    + " recommends one.",
            ""
        })
final class TuneCommand implements Callable<Integer> {
    /** The bundled model was trained on 160 tokens at once. */
    private static final int DEMO_WINDOW = 128;

    @ParentCommand
    private Nibble nibble;

    @Mixin
    private CommonOptions common;

    @Mixin
    private TextArguments text;

    @Mixin
    private DeviceArguments device;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "FILE",
            description =
                    "The model in float32, float16 or bfloat16; by default the model that comes with the program.")
    private @Nullable Path model;

    @Option(
            names = "--variant",
            paramLabel = "FILE",
            description = "The same model in fewer bits; can be repeated. With it, no variants are made.")
    private List<Path> variants = List.of();

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            description = "The most memory that the model may take with its context, e.g. 8GiB.")
    private @Nullable String memory;

    @Option(
            names = "--ctx",
            paramLabel = "N",
            description = "Tokens of context to make room for; by default what the model was trained on, at most 4096.")
    private @Nullable Integer context;

    @Option(
            names = "--prefer",
            paramLabel = "WHAT",
            defaultValue = "balance",
            description = {
                "balance: the fastest of those that hardly lose quality; quality: the least loss;",
                "speed: the fastest, memory: the smallest, of those whose loss is tolerable. Default: ${DEFAULT-VALUE}."
            })
    private Preference preference;

    @Option(
            names = "--calibration",
            paramLabel = "TEXT",
            description = "A text to find out with which columns matter; by default one that comes with the program.")
    private @Nullable Path calibration;

    @Option(
            names = "--window",
            paramLabel = "N",
            description =
                    "Measure on windows of N tokens of the text; by default 512, or the model's context if that is less.")
    private @Nullable Integer window;

    @Option(
            names = "--windows",
            paramLabel = "N",
            description =
                    "Measure on the first N windows; by default so many that they have 16384 tokens, or that the model reads in a minute.")
    private @Nullable Integer windows;

    @Option(names = "--allow-requantize", description = "Make variants of a model that is quantized already.")
    private boolean allowRequantize;

    @Option(names = "--out", paramLabel = "FILE", description = "Keep the recommended variant in this file.")
    private @Nullable Path out;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            description = "Write a report with charts, one page without other files.")
    private @Nullable Path html;

    private volatile boolean interrupted;

    @Override
    public Integer call() throws IOException {
        check();
        Path beside = out == null
                ? Path.of(System.getProperty("java.io.tmpdir"))
                : checked("--out", out).folder();
        if (html != null) {
            checked("--html", html);
        }
        Path work = Files.createTempDirectory(beside, "nibble-tune-");
        nibble.interruption().cancelWith(() -> {
            interrupted = true;
            delete(work);
        });
        try {
            return tune(base(work).work(work));
        } catch (IOException | RuntimeException e) {
            if (interrupted) {
                return ExitStatus.DONE.code();
            }
            throw e;
        } finally {
            delete(work);
        }
    }

    private TuningOptions.Builder base(Path work) throws IOException {
        if (model != null) {
            return TuningOptions.builder(model).allowRequantize(allowRequantize);
        }
        Path demo = work.resolve("demo.gguf");
        ModelFile.copyDemo(demo);
        nibble.terminal().note("the bundled model is in q8_0: what is made of it loses that much more");
        return TuningOptions.builder(demo).allowRequantize(true).window(DEMO_WINDOW);
    }

    /** Deletes a folder, which may be going already. */
    private static void delete(Path folder) {
        try (Stream<Path> tree = Files.walk(folder)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (NoSuchFileException | DirectoryNotEmptyException | UncheckedIOException e) {
            // An interruption meets the command at work: whoever is last deletes the rest.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void check() throws IOException {
        if (device.choosesContext()) {
            throw new IllegalArgumentException("--kv, --kv-k and --kv-v are what tune finds out; leave them out");
        }
        requireMade("--out", out != null);
        requireMade("--calibration", calibration != null);
        requireMade("--allow-requantize", allowRequantize);
        for (Path variant : variants) {
            if (!Files.exists(variant)) {
                throw new NoSuchFileException(variant.toString());
            }
        }
        positive("--ctx", context);
        positive("--window", window);
        positive("--windows", windows);
        if (memory != null) {
            Bytes.parse("--memory", memory);
        }
    }

    /** Refuses options about variants that tune makes, where it makes none. */
    private void requireMade(String option, boolean given) {
        if (given && !variants.isEmpty()) {
            throw new IllegalArgumentException(
                    option + " is about variants that tune makes; with --variant it makes none: leave one of them out");
        }
    }

    private OutputFile checked(String option, Path file) throws IOException {
        OutputFile output = new OutputFile(option, file);
        output.check(Stream.concat(
                Stream.of(Optional.ofNullable(model), text.file(), Optional.ofNullable(calibration)),
                variants.stream().map(Optional::of)));
        return output;
    }

    private static void positive(String option, @Nullable Integer value) {
        if (value != null && value < 1) {
            throw new IllegalArgumentException(option + " must be 1 or more; given " + value);
        }
    }

    private int tune(TuningOptions.Builder options) throws IOException {
        PerplexityMeter meter = new PerplexityMeter(nibble.terminal());
        configure(options).onProgress(meter::update).onStep(step -> {
            meter.clear();
            nibble.terminal().note(step);
        });
        return print(new TuneReport(Tuning.run(options.build())));
    }

    private TuningOptions.Builder configure(TuningOptions.Builder options) throws IOException {
        if (text.file().isPresent()) {
            options.text(text.read(SampleText::read));
        }
        if (calibration != null) {
            options.calibrationText(TextArguments.read(calibration));
        }
        if (context != null) {
            options.contextLength(context);
        }
        if (window != null) {
            options.window(window);
        }
        if (windows != null) {
            options.windows(windows);
        }
        if (memory != null) {
            options.memoryLimit(Bytes.parse("--memory", memory));
        }
        return options.variants(variants).preference(preference).keep(out).model(() -> device.options(null));
    }

    private int print(TuneReport report) throws IOException {
        if (html != null) {
            Files.writeString(html, TuneHtml.page(report), StandardCharsets.UTF_8);
        }
        nibble.terminal().print(common.json() ? Json.write(report.json()) + "\n" : report.text());
        return report.fits() ? ExitStatus.DONE.code() : ExitStatus.DOES_NOT_FIT.code();
    }
}
