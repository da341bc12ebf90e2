package dev.nibble.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that were trained on composed text get composed text. */
class ComposingEncoderTest {
    /** One of its letters in two code points, Hangul in parts, marks out of order, and a letter that has no composed form. */
    private static final String DECOMPOSED =
            "e\u0301t\u00E9 \u1112\u1161\u11AB a\u0323\u0302 x\u0301 \uD834\uDD57\uD834\uDD65";

    private static Tokenizer named(String preTokenizer) {
        SmallVocabulary small = SmallVocabulary.bytePair();
        return Tokenizer.of(
                small.metadata().string("tokenizer.ggml.pre", preTokenizer).build());
    }

    private static String text(Tokenizer tokenizer, String text) {
        return tokenizer.decode(tokenizer.encodePlain(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"qwen2", "qwen35"})
    void composesWhereTheModelAsksForIt(String name) {
        assertEquals(Normalizer.normalize(DECOMPOSED, Normalizer.Form.NFC), text(named(name), DECOMPOSED));
        assertEquals("plain \u00E9", text(named(name), "plain \u00E9"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"deepseek-r1-qwen", "gpt-2", "mpt"})
    void leavesTextAsItIsElsewhere(String name) {
        assertEquals(DECOMPOSED, text(named(name), DECOMPOSED));
    }

    @Test
    void takesLinearTimeOnRunsOfMarks() {
        Tokenizer tokenizer = named("qwen2");
        String marks = "a" + "\u0301\u0323".repeat(1 << 18);
        int bytes = marks.getBytes(StandardCharsets.UTF_8).length;
        int[] ids = assertTimeoutPreemptively(Duration.ofSeconds(20), () -> tokenizer.encodePlain(marks));
        assertEquals(bytes, ids.length + 1.0, 2.0);
        assertArrayEquals(tokenizer.encodePlain("\u1EA1\u0301"), tokenizer.encodePlain("a\u0301\u0323"));
    }
}
