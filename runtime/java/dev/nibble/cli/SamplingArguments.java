package dev.nibble.cli;

import dev.nibble.GenerationOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How tokens are chosen and when generation ends. What is not given stays as the library has it. */
final class SamplingArguments {
    @Option(
            names = {"-n", "--max-tokens"},
            paramLabel = "N",
            description = "Stop after this many tokens; 0 (the default): at the end of the text or of the context.")
    private @Nullable Integer maxTokens;

    @Option(names = "--temperature", paramLabel = "T", description = "0: always the likeliest token. Default: 0.8.")
    private @Nullable Float temperature;

    @Option(names = "--top-k", paramLabel = "K", description = "Only the K likeliest tokens; 0: all. Default: 40.")
    private @Nullable Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Only the likeliest tokens that together have the probability P; 1: all. Default: 0.95.")
    private @Nullable Float topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Only tokens of at least P times the largest probability; 0: all. Default: 0.05.")
    private @Nullable Float minP;

    @Option(
            names = "--typical-p",
            paramLabel = "P",
            description = "Only the most typical tokens that together have the probability P; 1 (the default): all.")
    private @Nullable Float typicalP;

    @Option(
            names = "--repeat-penalty",
            paramLabel = "X",
            description = "Divide the logits of recent tokens by X; 1 (the default): leave them.")
    private @Nullable Float repeatPenalty;

    @Option(
            names = "--repeat-last-n",
            paramLabel = "N",
            description = "How many tokens count as recent for the penalties; -1: all. Default: 64.")
    private @Nullable Integer repeatLastN;

    @Option(
            names = "--presence-penalty",
            paramLabel = "X",
            description = "Take X off the logits of recent tokens. Default: 0.")
    private @Nullable Float presencePenalty;

    @Option(
            names = "--frequency-penalty",
            paramLabel = "X",
            description = "Take X off the logits of recent tokens, once per occurrence. Default: 0.")
    private @Nullable Float frequencyPenalty;

    @Option(
            names = "--logit-bias",
            split = ",",
            paramLabel = "ID=BIAS",
            converter = BiasConverter.class,
            description = "Add to the logit of a token; -inf bans it. May be repeated.")
    private List<Bias> logitBias = List.of();

    @Option(names = "--seed", paramLabel = "N", description = "The same seed gives the same text; by default random.")
    private @Nullable Long seed;

    @Option(names = "--stop", paramLabel = "TEXT", description = "Stop before this text. May be repeated.")
    private List<String> stop = List.of();

    @Option(
            names = "--logprobs",
            paramLabel = "N",
            description = "With --json: the N likeliest tokens at each place, with their log probabilities.")
    private @Nullable Integer logProbabilities;

    /** The bias of one token. */
    record Bias(int token, float value) {}

    /** Reads {@code ID=BIAS}. */
    static final class BiasConverter implements ITypeConverter<Bias> {
        @Override
        public Bias convert(String text) {
            try {
                int sign = text.indexOf('=');
                String value = text.substring(sign + 1).replace("inf", "Infinity");
                return new Bias(Integer.parseInt(text.substring(0, sign)), Float.parseFloat(value));
            } catch (IndexOutOfBoundsException | NumberFormatException e) {
                throw new TypeConversionException("'" + text + "' is not ID=BIAS, for example 15=-2.5 or 15=-inf");
            }
        }
    }

    /** The options for the library. */
    GenerationOptions options() {
        GenerationOptions.Builder builder = GenerationOptions.builder();
        setNumbers(builder);
        setPenalties(builder);
        Map<Integer, Float> biases = new LinkedHashMap<>();
        logitBias.forEach(bias -> biases.put(bias.token(), bias.value()));
        builder.logitBias(biases);
        builder.stop(stop.toArray(String[]::new));
        return builder.build();
    }

    private void setNumbers(GenerationOptions.Builder builder) {
        if (maxTokens != null) {
            builder.maxTokens(Math.max(0, maxTokens));
        }
        if (temperature != null) {
            builder.temperature(temperature);
        }
        if (topK != null) {
            builder.topK(topK);
        }
        if (topP != null) {
            builder.topP(topP);
        }
        if (minP != null) {
            builder.minP(minP);
        }
        if (typicalP != null) {
            builder.typicalP(typicalP);
        }
        if (seed != null) {
            builder.seed(seed);
        }
        if (logProbabilities != null) {
            builder.logProbabilities(logProbabilities);
        }
    }

    private void setPenalties(GenerationOptions.Builder builder) {
        if (repeatPenalty != null) {
            builder.repeatPenalty(repeatPenalty);
        }
        if (repeatLastN != null) {
            builder.repeatLastN(repeatLastN);
        }
        if (presencePenalty != null) {
            builder.presencePenalty(presencePenalty);
        }
        if (frequencyPenalty != null) {
            builder.frequencyPenalty(frequencyPenalty);
        }
    }
}
