package dev.nibble.cli;

import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Token;
import dev.nibble.Usage;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code nibble run}: continues a text. */
@Command(
        name = "run",
        description = "Continues a text: the continuation appears on the standard output as it is generated.")
final class RunCommand implements Callable<Integer> {
    private static final double NANOS = 1e9;

    @ParentCommand
    private Nibble nibble;

    @Mixin
    private CommonOptions common;

    @Mixin
    private ModelArguments arguments;

    @Mixin
    private SamplingArguments sampling;

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "TEXT",
            description = "The text to continue, taken as it is; without it, the standard input.")
    private @Nullable String prompt;

    @Override
    public Integer call() throws IOException {
        Terminal terminal = nibble.terminal();
        GenerationOptions options = sampling.options();
        String text = prompt != null ? prompt : terminal.readAll();
        long start = System.nanoTime();
        try (LanguageModel model = arguments.open(terminal, false);
                Generation generation = model.generate(text, options)) {
            nibble.interruption().cancelWith(generation::cancel);
            double loadSeconds = (System.nanoTime() - start) / NANOS;
            if (common.json()) {
                printJson(model, generation, loadSeconds);
            } else {
                printText(generation);
                terminal.note(statistics(generation, loadSeconds));
            }
        }
        return ExitStatus.DONE.code();
    }

    private void printText(Generation generation) {
        Terminal terminal = nibble.terminal();
        boolean lineOpen = false;
        for (Token token : generation) {
            terminal.print(token.text());
            lineOpen = token.text().isEmpty() ? lineOpen : !token.text().endsWith("\n");
        }
        if (lineOpen) {
            terminal.print("\n");
        }
    }

    private void printJson(LanguageModel model, Generation generation, double loadSeconds) {
        List<Map<String, Object>> tokens = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        for (Token token : generation) {
            tokens.add(json(model, token));
            text.append(token.text());
        }
        Usage usage = generation.usage();
        nibble.terminal()
                .println(Json.write(Json.object(
                        "model", model.info().name(),
                        "device", model.info().deviceLabel(),
                        "text", text.toString(),
                        "finish_reason", reason(generation).name().toLowerCase(Locale.ROOT),
                        "prompt_tokens", usage.promptTokens(),
                        "cached_tokens", usage.cachedTokens(),
                        "generated_tokens", usage.generatedTokens(),
                        "load_seconds", loadSeconds,
                        "prompt_seconds", seconds(usage.promptTime()),
                        "generation_seconds", seconds(usage.generationTime()),
                        "tokens", tokens)));
    }

    private static Map<String, Object> json(LanguageModel model, Token token) {
        Map<String, Object> json = Json.object("id", token.id(), "text", token.text());
        if (!token.alternatives().isEmpty()) {
            json.put("logprob", token.logProbability());
            json.put(
                    "top",
                    token.alternatives().stream()
                            .map(alternative -> json(model, alternative))
                            .toList());
        }
        return json;
    }

    private static Map<String, Object> json(LanguageModel model, Token.Alternative alternative) {
        return Json.object(
                "id", alternative.id(),
                "text", model.detokenize(alternative.id()),
                "logprob", alternative.logProbability());
    }

    private static String statistics(Generation generation, double loadSeconds) {
        Usage usage = generation.usage();
        int prompt = usage.promptTokens() - usage.cachedTokens();
        return String.format(
                Locale.ROOT,
                "load %.2f s; prompt %s; generated %s; stopped: %s",
                loadSeconds,
                rate(prompt, prompt, usage.promptTime()),
                rate(usage.generatedTokens(), usage.generatedTokens() - 1, usage.generationTime()),
                text(reason(generation)));
    }

    /** A count of tokens and how long they took; the time of the first token counts to the prompt. */
    private static String rate(int tokens, int timed, Duration time) {
        String count = tokens == 1 ? "1 token" : tokens + " tokens";
        return timed < 1 || time.isZero()
                ? count
                : String.format(Locale.ROOT, "%s in %.2f s (%.1f/s)", count, seconds(time), timed / seconds(time));
    }

    private static FinishReason reason(Generation generation) {
        return generation.finishReason().orElse(FinishReason.CANCELLED);
    }

    private static double seconds(Duration time) {
        return time.toNanos() / NANOS;
    }

    private static String text(FinishReason reason) {
        return switch (reason) {
            case END_OF_TEXT -> "end of text";
            case STOP_STRING -> "stop string";
            case MAX_TOKENS -> "token limit";
            case CONTEXT_FULL -> "context full (a larger --ctx may help)";
            case CANCELLED -> "cancelled";
        };
    }
}
