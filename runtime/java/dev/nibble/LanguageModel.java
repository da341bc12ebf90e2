package dev.nibble;

import dev.nibble.device.Device;
import dev.nibble.device.Resources;
import dev.nibble.engine.Engine;
import dev.nibble.engine.EngineOptions;
import dev.nibble.engine.MemoryPlan;
import dev.nibble.engine.Rehearsal;
import dev.nibble.engine.SplitChoice;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.GgufModel;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Split;
import dev.nibble.model.Weights;
import dev.nibble.tokenizer.EncodeOptions;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A language model that is loaded and ready. Thread-safe: many generations at once share its batch.
 *
 * <pre>{@code
 * try (LanguageModel model = LanguageModel.open(Path.of("model.gguf"), ModelOptions.DEFAULT);
 *         Generation story = model.generate("Once upon a time", GenerationOptions.DEFAULT)) {
 *     for (Token token : story) {
 *         System.out.print(token.text());
 *     }
 * }
 * }</pre>
 */
public final class LanguageModel implements AutoCloseable {
    private final ModelSource source;
    private final @Nullable Tokenizer tokenizer;
    private final Resources resources = new Resources();
    /** Those of the layers, in order; last, where there are any, that which has routed experts alone. */
    private final List<Device> devices;

    private final Engine engine;
    private final ModelInfo info;
    private final String splitReason;
    private volatile boolean closed;

    /** @param words makes the tokenizer, while the device already rehearses */
    private LanguageModel(ModelSource source, Supplier<@Nullable Tokenizer> words, ModelOptions options) {
        this.source = resources.own(source);
        try {
            List<Weights.Tensor> tensors = Weights.tensors(source);
            ModelDevices opened = new ModelDevices(options, resources);
            List<Device> ofLayers = opened.ofLayers();
            ExpertChoice experts = ExpertChoice.of(
                    options.cpuExperts(),
                    ofLayers,
                    source.config(),
                    tensors,
                    options.engineOptions(source.config(), opened.speeds()),
                    opened::openCpu);
            SplitChoice choice = ModelPlanner.choice(experts.planner(), ofLayers, experts.options());
            EngineOptions engineOptions = experts.options().withSplit(choice.split());
            this.splitReason = choice.reason() + experts.reason();
            this.devices = opened.all();
            Rehearsal rehearsal = resources.own(Rehearsal.start(devices, source, tensors, engineOptions));
            this.tokenizer = words.get();
            long toLoad = tensors.stream()
                    .mapToLong(tensor -> tensor.source().shape().bytes())
                    .sum();
            this.engine = resources.own(Engine.open(
                    ofLayers,
                    opened.cpu(),
                    source,
                    engineOptions,
                    done -> options.onProgress().accept(done, toLoad)));
            this.info = info(devices, List.copyOf(ModelPlanner.distinct(tensors)), engineOptions);
            rehearsal.stop();
        } catch (RuntimeException | Error e) {
            resources.closeAfter(e);
            throw e;
        }
    }

    /**
     * Opens a model in a GGUF file, given any of its parts.
     *
     * @throws IOException if the file cannot be read
     * @throws InvalidModelException if it is no valid model
     * @throws UnsupportedFeatureException if the model or the device asks for what is not supported
     * @throws OutOfCapacityException if it does not fit the device; nothing was loaded
     */
    public static LanguageModel open(Path path, ModelOptions options) throws IOException {
        GgufFile file = GgufFile.open(path);
        GgufModel model;
        try {
            model = new GgufModel(file);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
        return new LanguageModel(model, () -> tokenizer(file, model), options);
    }

    private static Tokenizer tokenizer(GgufFile file, GgufModel model) {
        Tokenizer tokenizer = Tokenizer.of(file.metadata());
        int words = tokenizer.vocabulary().size();
        if (words != model.config().vocabulary()) {
            throw new InvalidModelException(
                    file.path(),
                    -1,
                    "the tokenizer has " + words + " tokens, the token embedding "
                            + model.config().vocabulary());
        }
        return tokenizer;
    }

    /**
     * Opens the model that comes with the library, which writes micro-stories and small dialogues.
     *
     * @throws IOException if its temporary copy cannot be written
     */
    public static LanguageModel openDemo(ModelOptions options) throws IOException {
        return BundledModel.open(copy -> open(copy, options));
    }

    /**
     * Makes a model of a public model's exact shapes with deterministic weights that mean nothing, for measurements. It has no
     * tokenizer.
     *
     * @param shape the name and the type of the weights, or their mixture, e.g. {@code llama-3.2-1b:q4_0}
     * @throws IllegalArgumentException if there is no such shape or type, naming those that there are
     * @throws OutOfCapacityException if it does not fit the device; nothing was made
     */
    public static LanguageModel synthetic(String shape, ModelOptions options) {
        return new LanguageModel(ModelPlan.shape(shape), () -> null, options);
    }

    /** What the model is and where it runs. */
    public ModelInfo info() {
        return info;
    }

    /**
     * Generates text after a prompt, which is taken as it is: its special tokens are recognised, and the model's own are added
     * before it.
     *
     * @throws OutOfCapacityException if the context cannot hold the prompt
     * @throws IllegalStateException if the model is closed
     */
    public Generation generate(String prompt, GenerationOptions options) {
        return generate(tokenize(prompt), options);
    }

    /**
     * Generates text after the tokens of a prompt.
     *
     * @throws OutOfCapacityException if the context cannot hold the prompt
     * @throws IllegalArgumentException if there are no tokens, or a token is not in the vocabulary
     * @throws IllegalStateException if the model is closed
     */
    public Generation generate(int[] prompt, GenerationOptions options) {
        checkTokens(prompt);
        Tokenizer words = tokenizer();
        TokenStream stream = new TokenStream(options, words.vocabulary(), words.decoder(), prompt, info.context());
        return new Generation(engine.scheduler(), stream, prompt);
    }

    /**
     * Opens a session, which takes tokens and gives logits.
     *
     * @throws IllegalStateException if the model is closed
     */
    public TokenSession session() {
        return new TokenSession(engine.scheduler(), info.vocabulary());
    }

    /**
     * Waits until the devices are at their full speed, which they otherwise reach in the first seconds of work: a CPU moves the weights
     * to pages of memory that are read faster. For programs that would rather wait at their start.
     *
     * @throws IllegalStateException if the model is closed
     */
    public void warmUp() {
        if (closed) {
            throw new IllegalStateException("the model is closed");
        }
        devices.forEach(Device::warmUp);
    }

    /**
     * Runs a step of made-up tokens and times each of its operations alone, while the model does nothing else.
     *
     * @param tokens of the step: at most {@link ModelInfo#batch}
     * @param depth tokens that the context holds before
     * @param repetitions how often each operation is timed; the median counts
     * @return the operations in the order of the step, equal ones once
     */
    public List<KernelTime> kernelTimes(int tokens, int depth, int repetitions) {
        // Others each time: the cache would still hold the same ones, and the step would be shorter.
        Random random = new Random();
        int[] context = random.ints(depth, 0, info.vocabulary()).toArray();
        int[] step = random.ints(tokens, 0, info.vocabulary()).toArray();
        return engine.operationTimes(context, step, repetitions).stream()
                .map(time -> new KernelTime(
                        time.device(),
                        time.cost().name(),
                        time.rows(),
                        time.count(),
                        time.seconds(),
                        time.cost().bytes(),
                        time.cost().multiplyAdds()))
                .toList();
    }

    /** What each of the devices has to do for a token, in their order. */
    public List<DeviceShare> shares() {
        return engine.work().stream()
                .map(work -> new DeviceShare(work.device(), work.weightBytes(), work.kvBytes(), work.multiplyAdds()))
                .toList();
    }

    /**
     * What the devices do while something runs, by their own clocks, which are started and stopped for that.
     *
     * @param work uses the model until it is done; nothing else uses it meanwhile
     * @return in the order of the devices
     */
    public List<DeviceTime> deviceTimes(Runnable work) {
        return engine.activities(work).stream()
                .map(activity -> new DeviceTime(
                        activity.device(),
                        activity.stepSeconds(),
                        activity.exchangeSeconds(),
                        activity.copiedBytes(),
                        activity.copySeconds(),
                        activity.reduceSeconds()))
                .toList();
    }

    /** How several devices share the model; {@link Split#LAYER} if there is one. */
    public Split split() {
        return engine.split();
    }

    /** Why several devices share the model so, one line for people; empty where there was nothing to choose. */
    public String splitReason() {
        return splitReason;
    }

    /** The tokens of a prompt: special tokens in the text are recognised, and the model's own are added. */
    public int[] tokenize(String text) {
        return tokenizer().encode(text, EncodeOptions.PROMPT);
    }

    /** The tokens of a text in which nothing is special, without those that the model adds. */
    public int[] tokenizePlain(String text) {
        return tokenizer().encode(text, EncodeOptions.PLAIN);
    }

    /** The token that the model wants before a text; empty if it wants none. */
    public OptionalInt beginningToken() {
        Vocabulary vocabulary = tokenizer().vocabulary();
        return vocabulary.addsBos() && vocabulary.bos() != Vocabulary.NONE
                ? OptionalInt.of(vocabulary.bos())
                : OptionalInt.empty();
    }

    /** The text of tokens. */
    public String detokenize(int... tokens) {
        checkTokens(tokens);
        return tokenizer().decode(tokens);
    }

    /** Cancels what is running and frees everything. Closing again does nothing. */
    @Override
    public synchronized void close() {
        closed = true;
        resources.close();
    }

    private Tokenizer tokenizer() {
        if (tokenizer == null) {
            throw new UnsupportedFeatureException("the model " + info.name() + " has no tokenizer; use a session");
        }
        return tokenizer;
    }

    private void checkTokens(int[] tokens) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("no tokens are given");
        }
        for (int token : tokens) {
            if (token < 0 || token >= info.vocabulary()) {
                throw new IllegalArgumentException(
                        "token " + token + " is not in the vocabulary of " + info.vocabulary() + " tokens");
            }
        }
    }

    private ModelInfo info(List<Device> devices, List<Weights.Tensor> tensors, EngineOptions options) {
        ModelConfig config = source.config();
        String architecture = config.architecture().id();
        return new ModelInfo(
                source.metadata().stringOr("general.name", architecture),
                architecture,
                source.mixture().orElseGet(() -> mainType(tensors)),
                tensors.stream()
                        .mapToLong(tensor -> tensor.source().stored().values())
                        .sum(),
                tensors.stream()
                        .mapToLong(tensor -> tensor.source().stored().bytes())
                        .sum(),
                engine.weightBytes(),
                config.vocabulary(),
                config.contextLength(),
                engine.scheduler().contextLength(),
                options.cacheTokens(),
                engine.rows(),
                devices.stream().map(Device::name).collect(Collectors.joining(",")),
                describe(devices),
                devices.stream().mapToInt(Device::threads).max().orElse(0),
                MemoryPlan.describe(engine.memory()),
                engine.bytesPerToken(),
                engine.kvTokenBytes(),
                engine.memory().stream().mapToLong(MemoryPlan::scratch).sum(),
                engine.multiplyAddsPerToken());
    }

    private String describe(List<Device> devices) {
        if (devices.size() == 1) {
            return devices.getFirst().description();
        }
        return IntStream.range(0, devices.size())
                .mapToObj(i ->
                        engine.memory().get(i).part() + " on " + devices.get(i).description())
                .collect(Collectors.joining("; "));
    }

    /** The type that stores most of the weights. */
    private static String mainType(List<Weights.Tensor> tensors) {
        return tensors.stream()
                .map(tensor -> tensor.source().stored())
                .collect(Collectors.groupingBy(shape -> shape.type(), Collectors.summingLong(shape -> shape.values())))
                .entrySet()
                .stream()
                .max(Comparator.comparing(Map.Entry::getValue))
                .orElseThrow()
                .getKey()
                .name()
                .toLowerCase(Locale.ROOT);
    }
}
