package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Buffer;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.engine.Output;
import dev.nibble.engine.SequenceListener;
import dev.nibble.gguf.GgufFile;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A choice among the largest logits alone is that among all of them, which a bias, even of nothing, brings to the host. */
class SampledTextTest {
    private static final String PROMPT = "Anna put the red ball in the blue box.";

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu", "cpu,reference"})
    void topKGivesTheTokensOfTheWholeVocabulary(String devices) throws IOException {
        verify(devices);
    }

    @ParameterizedTest
    @ValueSource(strings = {"opencl:0", "opencl:0,opencl:1"})
    @Tag("slow")
    @ExtendWith(NeedsOpenCl.class)
    void topKOnOpenClDevicesGivesTheTokensOfTheWholeVocabulary(String devices) throws IOException {
        verify(devices);
    }

    private static void verify(String devices) throws IOException {
        ModelOptions options =
                ModelOptions.builder().devices(devices.split(",")).build();
        try (LanguageModel model = LanguageModel.openDemo(options)) {
            List<String> texts = new ArrayList<>();
            for (int k : new int[] {1, 40, Output.MOST_RANKED, Output.MOST_RANKED + 1}) {
                String text = text(model, options(k).build());
                assertEquals(text(model, options(k).logitBias(Map.of(0, 0f)).build()), text, "top " + k);
                texts.add(text);
            }
            assertNotEquals(texts.get(0), texts.get(2));
        }
    }

    private static GenerationOptions.Builder options(int k) {
        return GenerationOptions.builder()
                .topK(k)
                .topP(0.99f)
                .minP(0)
                .temperature(1.5f)
                .seed(11)
                .maxTokens(24);
    }

    private static String text(LanguageModel model, GenerationOptions options) {
        try (Generation generation = model.generate(PROMPT, options)) {
            return generation.text();
        }
    }

    @Test
    void onlyWhatDecidesIsRead(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("demo.gguf");
        try (InputStream demo = LanguageModel.class.getResourceAsStream("tiny-q8_0.gguf")) {
            Files.copy(demo, file);
        }
        try (GgufFile gguf = GgufFile.open(file)) {
            Tokenizer words = Tokenizer.of(gguf.metadata());
            Reads reads = new Reads();
            stream(words, options(40)).onLast(0, reads);
            assertEquals(List.of("ranked 40"), reads.lines);
            stream(words, options(40).logProbabilities(1)).onLast(0, reads);
            stream(words, options(40).repeatPenalty(1.1f)).onLast(0, reads);
            stream(words, options(Output.MOST_RANKED + 1)).onLast(0, reads);
            stream(words, options(0)).onLast(0, reads);
            assertEquals(List.of("ranked 40", "all", "all", "all", "all"), reads.lines);
            SequenceListener greedy = stream(words, options(40).temperature(0));
            greedy.onLast(0, reads);
            assertEquals("best", reads.lines.getLast());
            assertTrue(stream(words, options(40)).ranks() && !greedy.ranks());
        }
    }

    /** Of a prompt of one token, the best of position 9 is the tenth. */
    @Test
    void aStepRunsAheadAsFarAsTheTokensThatAreWanted(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("demo.gguf");
        try (InputStream demo = LanguageModel.class.getResourceAsStream("tiny-q8_0.gguf")) {
            Files.copy(demo, file);
        }
        try (GgufFile gguf = GgufFile.open(file)) {
            Tokenizer words = Tokenizer.of(gguf.metadata());
            GenerationOptions.Builder greedy = options(40).temperature(0).maxTokens(10);
            assertTrue(stream(words, greedy).takesBest(8));
            assertFalse(stream(words, greedy).takesBest(9));
            assertTrue(stream(words, greedy.maxTokens(0)).takesBest(62));
            assertFalse(stream(words, greedy.maxTokens(0)).takesBest(63), "the context is full");
            assertFalse(stream(words, options(40)).takesBest(3));
            assertFalse(stream(words, greedy.repeatPenalty(1.1f)).takesBest(3));
        }
    }

    private static SequenceListener stream(Tokenizer words, GenerationOptions.Builder options) {
        return new TokenStream(options.build(), words.vocabulary(), words.decoder(), new int[] {1}, 64);
    }

    /** Notes what is asked of it. */
    private static final class Reads implements Output {
        final List<String> lines = new ArrayList<>();

        @Override
        public int best() {
            lines.add("best");
            return 5;
        }

        @Override
        public void ranked(int[] tokens, float[] logits) {
            lines.add("ranked " + tokens.length);
            for (int i = 0; i < tokens.length; i++) {
                tokens[i] = 300 + i;
            }
        }

        @Override
        public void logits(float[] target) {
            lines.add("all");
        }

        @Override
        public void logits(Buffer target) {
            throw new AssertionError("a generation has no buffer for logits");
        }
    }
}
