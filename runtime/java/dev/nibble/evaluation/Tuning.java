package dev.nibble.evaluation;

import dev.nibble.LanguageModel;
import dev.nibble.ModelInfo;
import dev.nibble.ModelOptions;
import dev.nibble.OutOfCapacityException;
import dev.nibble.TokenSession;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.KvType;
import dev.nibble.gguf.TargetFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Finds the quantization of a model that suits a machine and a purpose, in the steps that guides advise: start at 4 bits, with
 * streaming attention; measure with defaults; try lower and higher levels; then quantize the context.
 */
public final class Tuning {
    private static final int USUAL_CONTEXT = 4096;
    private static final int SPEED_TOKENS = 512;
    private static final long MOST_SAVED_BYTES = 1L << 30;

    /** What reading the text may take, for each of a dozen choices. */
    private static final long READING_NANOS = 60_000_000_000L;

    private static final int LEAST_WINDOWS = 4;
    private static final String BASE = "base";
    private static final Level START = new Level("q4_k_m", 4.8);
    private static final List<Level> LOWER = List.of(new Level("q3_k_m", 3.9), new Level("q2_k", 3));
    private static final List<Level> HIGHER =
            List.of(new Level("q5_k_m", 5.7), new Level("q6_k", 6.6), new Level("q8_0", 8.5));

    /** Bits per weight that a level must be below the base. */
    private static final double LEAST_SAVING = 0.1;

    /** A model that loses so much is broken: fewer bits make no better one. */
    private static final double BROKEN = 0.5;

    private final TuningOptions options;
    private final QuantizedVariants maker;
    private final Path predictions;
    private final List<String> steps = new ArrayList<>();
    private final List<Trial> trials = new ArrayList<>();
    private final Map<Trial, Path> files = new HashMap<>();
    private @Nullable TextWindows windows;
    private String name = "";
    private String device = "";
    private int contextLength;

    /** @param folder where all files are made */
    private Tuning(TuningOptions options, Path folder) {
        this.options = options;
        this.maker = new QuantizedVariants(options, folder);
        this.predictions = folder.resolve("base.predictions");
    }

    /** A type and about how many bits of it a weight takes. */
    private record Level(String type, double bits) {}

    /** Keys and values. */
    private record Context(KvType keys, KvType values) {
        static final Context USUAL = new Context(KvType.F16, KvType.F16);
        static final List<Context> QUANTIZED = List.of(
                new Context(KvType.Q8_0, KvType.Q8_0),
                new Context(KvType.Q8_0, KvType.Q4_0),
                new Context(KvType.Q4_0, KvType.Q4_0));

        String text() {
            return keys == values ? keys.id() : keys.id() + "/" + values.id();
        }
    }

    /**
     * Tunes.
     *
     * @throws IOException if a file cannot be read or written
     * @throws OutOfCapacityException if the base itself does not fit this machine, so that nothing can be compared with it
     * @throws IllegalArgumentException if the text is too short to measure on, or if the recommended variant would be kept in place
     *     of a file that is read
     */
    public static TuningReport run(TuningOptions options) throws IOException {
        if (options.keep() != null) {
            List<Path> sources = Stream.concat(Stream.of(options.base()), options.variants().stream())
                    .toList();
            TargetFile.require(options.keep(), sources, 0);
        }
        Path folder = Files.createTempDirectory(options.work(), "nibble-tune-");
        try {
            return new Tuning(options, folder).run();
        } finally {
            delete(folder);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.deleteIfExists(file);
            }
        }
        Files.deleteIfExists(folder);
    }

    private TuningReport run() throws IOException {
        Trial base = measure(options.base(), BASE, Context.USUAL);
        say(BASE + ": " + line(base));
        if (options.variants().isEmpty()) {
            tryLevels();
        } else {
            tryFiles();
        }
        tryContexts();
        return report();
    }

    private void tryLevels() throws IOException {
        say("1. start at 4 bits: " + START.type());
        say("2. streaming attention is on: it reads the context piece by piece, without a table of all scores");
        say("3. measure with defaults");
        Trial start = tryLevel(START);
        say("4. try lower and higher levels");
        Trial last = start;
        for (Level level : LOWER) {
            if (last != null && last.loss() > BROKEN) {
                break;
            }
            last = tryLevel(level);
        }
        last = start;
        for (Level level : HIGHER) {
            last = last == null || last.memory() > options.memoryLimit() ? null : tryLevel(level);
        }
    }

    private void tryFiles() throws IOException {
        say("1. to 4. measure the " + options.variants().size() + " given variants; streaming attention is on");
        for (Path variant : options.variants()) {
            tryFile(variant, variant.getFileName().toString());
        }
    }

    /** Makes and measures a variant; null if the base has no more bits, or if it does not fit this machine. */
    private @Nullable Trial tryLevel(Level level) throws IOException {
        if (trials.getFirst().bitsPerWeight() < level.bits() + LEAST_SAVING) {
            say(level.type() + ": the base has no more bits than that");
            return null;
        }
        Path file = maker.make(level.type(), text().count());
        Trial trial = tryFile(file, level.type());
        keepOnlyTheBest();
        if (trial == null) {
            discard(file);
        }
        return trial;
    }

    /** Measures a variant; null if it does not fit this machine. */
    private @Nullable Trial tryFile(Path file, String variant) throws IOException {
        try {
            Trial trial = measure(file, variant, Context.USUAL);
            say(variant + ": " + line(trial));
            return trial;
        } catch (OutOfCapacityException e) {
            say(variant + ": " + e.getMessage());
            return null;
        } catch (IOException e) {
            throw new IOException(variant + " cannot be measured: " + e.getMessage(), e);
        }
    }

    private void tryContexts() throws IOException {
        Trial chosen = best().orElse(smallest());
        Path file = fileOf(chosen);
        say("5. quantize the context of " + chosen.name());
        for (Context context : Context.QUANTIZED) {
            tryContext(file, chosen.name(), context);
        }
        Optional<Trial> better = roomMade(chosen.memory() - smallest().memory());
        if (better.isPresent()) {
            say("that makes room for " + better.get().name());
            Path larger = fileOf(better.get());
            for (Context context : Context.QUANTIZED) {
                tryContext(larger, better.get().name(), context);
            }
        }
    }

    private void tryContext(Path file, String variant, Context context) throws IOException {
        try {
            say("context in " + context.text() + ": " + line(measure(file, variant, context)));
        } catch (UnsupportedFeatureException e) {
            say("context in " + context.text() + ": " + e.getMessage());
        }
    }

    /** What loses least of those that do not fit the memory, but might with so much less of it. */
    private Optional<Trial> roomMade(long saved) {
        long limit = options.memoryLimit();
        return trials.stream()
                .filter(trial -> trial.memory() > limit && trial.memory() - saved <= limit)
                .filter(trial -> trials.stream()
                        .noneMatch(other -> other != trial && other.name().equals(trial.name())))
                .min(Comparator.comparingDouble(Trial::loss));
    }

    private Trial measure(Path file, String variant, Context context) throws IOException {
        ModelOptions opening = options.model()
                .get()
                .context(Math.max(SPEED_TOKENS, options.windowFor(Integer.MAX_VALUE)))
                .keyCache(context.keys())
                .valueCache(context.values())
                .build();
        try (LanguageModel model = LanguageModel.open(file, opening)) {
            ModelInfo info = model.info();
            boolean first = windows == null;
            TextWindows text = first ? firstWindows(model) : text();
            PerplexityOptions measured =
                    new PerplexityOptions(first ? predictions : null, first ? null : predictions, options.onProgress());
            Quality quality = Perplexity.measure(model, text, measured);
            Speed speed = Speed.measure(model, text.allTokens(), Math.min(SPEED_TOKENS, info.trainedContext()));
            Trial trial = new Trial(
                    variant,
                    context.text(),
                    info.fileBytes(),
                    info.parameters(),
                    info.bytesFor(contextLength),
                    speed,
                    quality);
            trials.add(trial);
            files.put(trial, file);
            return trial;
        }
    }

    private TextWindows firstWindows(LanguageModel model) {
        ModelInfo info = model.info();
        name = info.name();
        device = info.device() + " (" + info.deviceDescription() + ")";
        contextLength =
                options.contextLength() > 0 ? options.contextLength() : Math.min(info.trainedContext(), USUAL_CONTEXT);
        int size = options.windowFor(info.trainedContext());
        long saved = MOST_SAVED_BYTES / ((long) size * info.vocabulary());
        TextWindows wanted =
                TextWindows.of(model, options.text(), size, (int) Math.clamp(saved, 1, options.windowsOf(size)));
        int count = options.windows() > 0 ? wanted.count() : readable(model, wanted);
        TextWindows chosen = TextWindows.of(model, options.text(), size, count);
        if (options.variants().isEmpty()) {
            requireCalibrationText(model, size);
        }
        say(
                count == wanted.count()
                        ? "measuring on " + count + " windows of " + size + " tokens"
                        : "measuring on " + count + " of " + wanted.count() + " windows of " + size
                                + " tokens, as the base takes its time to read them; --windows asks for more");
        windows = chosen;
        return chosen;
    }

    /** What would come out when the first variant is made, long after. */
    private void requireCalibrationText(LanguageModel model, int size) {
        try {
            TextWindows.of(model, options.calibrationText(), size, 1);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("to calibrate with, " + e.getMessage(), e);
        }
    }

    /** The windows that a model reads in a reasonable time, at least a few; twice, for the first time is slower. */
    private static int readable(LanguageModel model, TextWindows windows) {
        int count = 1;
        for (int round = 0; round < 2 && count < windows.count(); round++) {
            try (TokenSession session = model.session()) {
                long start = System.nanoTime();
                session.feed(windows.window(round));
                long affordable = READING_NANOS / Math.max(1, System.nanoTime() - start);
                count = (int) Math.clamp(Math.max(affordable, LEAST_WINDOWS), count, windows.count());
            }
        }
        return count;
    }

    private TextWindows text() {
        if (windows == null) {
            throw new IllegalStateException("the base comes first");
        }
        return windows;
    }

    private Optional<Trial> best() {
        return options.preference().choose(trials, options.memoryLimit());
    }

    private Trial smallest() {
        return trials.stream().min(Comparator.comparingLong(Trial::memory)).orElseThrow();
    }

    /** Made files may be large: only the base and what may be chosen in the end stay. */
    private void keepOnlyTheBest() throws IOException {
        Trial best = best().orElse(smallest());
        Trial smallest = smallest();
        for (Map.Entry<Trial, Path> entry : files.entrySet()) {
            if (entry.getKey() != best && entry.getKey() != smallest) {
                discard(entry.getValue());
            }
        }
    }

    /** The weights of a trial, made again if they had to go. */
    private Path fileOf(Trial trial) throws IOException {
        Path file = files.get(trial);
        if (file == null) {
            throw new IllegalStateException("nothing was measured of " + trial.name());
        }
        return isMade(file) && !Files.exists(file) ? maker.make(trial.name(), text().count()) : file;
    }

    private void discard(Path file) throws IOException {
        if (isMade(file)) {
            Files.deleteIfExists(file);
        }
    }

    private boolean isMade(Path file) {
        return !file.equals(options.base()) && !options.variants().contains(file);
    }

    private TuningReport report() throws IOException {
        Trial chosen = best().orElse(null);
        if (options.keep() != null) {
            keep(chosen, options.keep());
        }
        String reason = chosen == null
                ? "nothing fits; the smallest is " + smallest().name() + " with the context in "
                        + smallest().context() + ", of " + smallest().memory() + " bytes"
                : options.preference().reason(trials, options.memoryLimit(), chosen);
        return new TuningReport(
                name,
                device,
                contextLength,
                options.memoryLimit(),
                options.preference(),
                steps,
                trials,
                chosen,
                reason);
    }

    private void keep(@Nullable Trial chosen, Path target) throws IOException {
        if (chosen == null || !isMade(fileOf(chosen))) {
            say("nothing is kept in " + target + ": no variant was made that would be recommended");
        } else {
            Files.move(fileOf(chosen), target, StandardCopyOption.REPLACE_EXISTING);
            say(chosen.name() + " is kept in " + target);
        }
    }

    private void say(String step) {
        steps.add(step);
        options.onStep().accept(step);
    }

    private static String line(Trial trial) {
        return String.format(
                Locale.ROOT,
                "%.2f bits per weight, %.1f MiB with the context, %.1f tok/s, perplexity %.4f, loss %.5f",
                trial.bitsPerWeight(),
                trial.memory() / 1048576.0,
                trial.speed().generation(),
                trial.quality().perplexity().value(),
                trial.loss());
    }
}
