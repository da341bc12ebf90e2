package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PreTokenizerTest {
    private static final int HOSTILE_BYTES = 1 << 18;

    @ParameterizedTest
    @EnumSource(PreTokenizer.class)
    void splitsAsThePublishedPatternsDo(PreTokenizer row) {
        PublishedPatterns oracle = PublishedPatterns.of(row);
        RandomText texts = new RandomText(row.ordinal());
        for (int i = 0; i < 1500; i++) {
            String text = texts.next(i % 40);
            assertEquals(oracle.split(text), split(row, text), () -> row + ": '" + text + "'");
        }
        for (int run : new int[] {1, 2, 3, 4, 7, 8, 31, 33, 255, 257, 511, 512, 513, 1025}) {
            for (String unit : List.of(" ", "\n", "7", "a", "A", "É", "!", "\u3000", "日")) {
                for (String text : List.of(unit.repeat(run), unit.repeat(run) + "x", "x" + unit.repeat(run) + "X\n")) {
                    assertEquals(oracle.split(text), split(row, text), () -> row + ": '" + text + "'");
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(PreTokenizer.class)
    void takesLinearTimeOnHostileText(PreTokenizer row) {
        for (String unit :
                List.of("a", " ", "\n", " \n", "7", "É", "ÉA", "'", "!", "🦙", "日", "a ", "\u3000", "e\u0301", "/")) {
            byte[] text = (unit.repeat(HOSTILE_BYTES / unit.getBytes(StandardCharsets.UTF_8).length) + "x")
                    .getBytes(StandardCharsets.UTF_8);
            AtomicLong bytes = new AtomicLong();
            assertTimeoutPreemptively(
                    Duration.ofSeconds(5),
                    () -> run(row.passes(), 0, text, 0, text.length, (t, from, to) -> bytes.addAndGet(to - from)),
                    () -> row + " on '" + unit + "'");
            assertEquals(text.length, bytes.get());
        }
    }

    @Test
    void refusesAnUnknownNameAndListsTheKnown() {
        UnsupportedFeatureException refused =
                assertThrows(UnsupportedFeatureException.class, () -> PreTokenizer.ofName("klingon"));
        assertTrue(refused.getMessage().contains("'klingon'"), refused.getMessage());
        assertTrue(refused.getMessage().contains("deepseek-v3, default, "), refused.getMessage());
    }

    @Test
    void knowsTheNamesOfPublicModels() {
        for (String name : List.of(
                "gpt-2",
                "llama-bpe",
                "qwen2",
                "deepseek-llm",
                "deepseek-coder",
                "deepseek-v3",
                "deepseek-r1-qwen",
                "falcon",
                "starcoder",
                "refact",
                "mpt",
                "smollm",
                "tekken",
                "gpt-4o",
                "command-r",
                "default")) {
            PreTokenizer.ofName(name);
        }
        assertEquals(PreTokenizer.LLAMA3, PreTokenizer.ofName("llama3"));
        assertTrue(PreTokenizer.ofName("tekken").ignoresMerges());
    }

    private static List<String> split(PreTokenizer row, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        List<String> pieces = new ArrayList<>();
        if (bytes.length > 0) {
            run(
                    row.passes(),
                    0,
                    bytes,
                    0,
                    bytes.length,
                    (t, from, to) -> pieces.add(new String(t, from, to - from, StandardCharsets.UTF_8)));
        }
        return pieces;
    }

    private static void run(List<Splitter> passes, int pass, byte[] text, int from, int to, Splitter.Pieces out) {
        if (pass == passes.size()) {
            out.piece(text, from, to);
        } else {
            passes.get(pass).split(text, from, to, (t, start, end) -> run(passes, pass + 1, t, start, end, out));
        }
    }
}
