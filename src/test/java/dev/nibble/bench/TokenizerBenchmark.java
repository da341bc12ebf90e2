package dev.nibble.bench;

import dev.nibble.gguf.GgufFile;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * Encoding speed on one core: the score is encodings of one mebibyte a second, which is MiB/s. Needs the golden data.
 *
 * <p>Run from the project's root, after {@code mvn test-compile dependency:build-classpath -Dmdep.outputFile=target/test.cp}:
 * {@code java -cp target/classes:target/test-classes:$(cat target/test.cp) org.openjdk.jmh.Main TokenizerBenchmark}.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class TokenizerBenchmark {
    private static final int LENGTH = 1 << 20;
    private static final Path GOLDEN = Path.of(System.getenv().getOrDefault("NIBBLE_GOLDEN", "../shared/golden"));

    /** The vocabulary. */
    @Param({"llama-bpe", "gpt-2", "deepseek-llm", "llama-spm", "bert-bge"})
    public String vocabulary;

    /**
     * {@code stories}: the evaluation text again and again. {@code prose}: the words of English pages in this repository, in
     * random order, so that no sentence comes twice. {@code letters}: random letters, where no word comes twice.
     * {@code run}: one letter.
     */
    @Param({"stories", "prose", "letters", "run"})
    public String text;

    private Tokenizer tokenizer;
    private String input;

    /** Reads the vocabulary and makes the text. */
    @Setup(Level.Trial)
    public void open() throws IOException {
        try (GgufFile file = GgufFile.open(GOLDEN.resolve("tokenizers/" + vocabulary + ".gguf"))) {
            tokenizer = Tokenizer.of(file.metadata());
        }
        input = switch (text) {
            case "stories" -> Files.readString(GOLDEN.resolve("eval/text.txt")).repeat(LENGTH / 60_000 + 1);
            case "prose" -> prose();
            case "letters" -> letters();
            default -> "a".repeat(LENGTH);
        };
        input = input.substring(0, LENGTH);
    }

    /** Encodes one mebibyte. */
    @Benchmark
    public void encode(Blackhole out) {
        out.consume(tokenizer.encode(input));
    }

    private static String prose() throws IOException {
        List<String> words = new ArrayList<>();
        for (String page : List.of("README.md", "LICENSE", "../shared/DESIGN.md", "../shared/notes/ecosystem.md")) {
            Path path = Path.of(page);
            if (Files.exists(path)) {
                Collections.addAll(
                        words, Files.readString(path, StandardCharsets.UTF_8).split("\\s+"));
            }
        }
        Random random = new Random(7);
        StringBuilder text = new StringBuilder();
        while (text.length() < LENGTH) {
            text.append(words.get(random.nextInt(words.size()))).append(random.nextInt(20) == 0 ? "\n" : " ");
        }
        return text.toString();
    }

    private static String letters() {
        Random random = new Random(8);
        StringBuilder text = new StringBuilder();
        while (text.length() < LENGTH) {
            text.append((char) (random.nextInt(5) == 0 ? ' ' : 'a' + random.nextInt(26)));
        }
        return text.toString();
    }
}
