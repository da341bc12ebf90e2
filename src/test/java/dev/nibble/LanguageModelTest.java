package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.NeedsOpenCl;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** The public API on the bundled model. */
@Timeout(120)
class LanguageModelTest {
    private static final String PROMPT = "Anna put the red ball in the blue box.";

    private LanguageModel model;

    @BeforeEach
    void open() throws IOException {
        model = LanguageModel.openDemo(
                ModelOptions.builder().devices("reference").build());
    }

    @AfterEach
    void close() {
        model.close();
    }

    @Test
    void aSeedGivesTheSameTextAndAnotherSeedAnother() {
        assertEquals(text(seeded(7)), text(seeded(7)));
        assertFalse(text(seeded(7)).equals(text(seeded(8))));
    }

    @Test
    void endsAtTheAskedNumberOfTokens() {
        try (Generation generation = model.generate(PROMPT, greedy(5))) {
            int tokens = 0;
            for (Token token : generation) {
                assertTrue(token.id() >= 0);
                tokens++;
            }
            assertEquals(5, tokens);
            assertEquals(FinishReason.MAX_TOKENS, generation.finishReason().orElseThrow());
            assertEquals(5, generation.usage().generatedTokens());
            assertEquals(model.tokenize(PROMPT).length, generation.usage().promptTokens());
        }
    }

    @Test
    void endsBeforeAStopStringEvenIfItSpansTokens() {
        String whole = text(greedy(40));
        String stop = whole.substring(10, 19);
        try (Generation generation = model.generate(
                PROMPT,
                GenerationOptions.builder().greedy().maxTokens(40).stop(stop).build())) {
            assertEquals(whole.substring(0, 10), generation.text());
            assertEquals(FinishReason.STOP_STRING, generation.finishReason().orElseThrow());
        }
    }

    @Test
    void aFullContextEndsTheTextAndSaysSo() throws IOException {
        ModelOptions options = ModelOptions.builder().context(24).build();
        GenerationOptions endless =
                GenerationOptions.builder().greedy().logitBias(neverEnding()).build();
        try (LanguageModel small = LanguageModel.openDemo(options);
                Generation generation = small.generate(PROMPT, endless)) {
            int prompt = small.tokenize(PROMPT).length;
            generation.text();
            assertEquals(FinishReason.CONTEXT_FULL, generation.finishReason().orElseThrow());
            assertEquals(24 - prompt + 1, generation.usage().generatedTokens());
        }
    }

    @Test
    void aPromptThatDoesNotFitIsRefusedWithTheNumbers() {
        int[] prompt = new int[model.info().context() + 1];
        OutOfCapacityException refused =
                assertThrows(OutOfCapacityException.class, () -> model.generate(prompt, greedy(1)));
        assertTrue(refused.getMessage().contains(String.valueOf(prompt.length)), refused.getMessage());
    }

    @Test
    void aTokenThatIsNotInTheVocabularyIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> model.generate(new int[] {1, 1024}, greedy(1)));
        assertThrows(IllegalArgumentException.class, () -> model.generate(new int[] {-1}, greedy(1)));
        assertThrows(IllegalArgumentException.class, () -> model.generate(new int[0], greedy(1)));
    }

    @Test
    void logProbabilitiesAreThoseOfTheModel() {
        GenerationOptions options = GenerationOptions.builder()
                .greedy()
                .maxTokens(3)
                .logProbabilities(4)
                .build();
        try (Generation generation = model.generate(PROMPT, options);
                TokenSession session = model.session()) {
            session.feed(model.tokenize(PROMPT));
            for (Token token : generation) {
                float[] logits = session.logits();
                double sum = 0;
                for (float logit : logits) {
                    sum += Math.exp(logit);
                }
                assertEquals(logits[token.id()] - Math.log(sum), token.logProbability(), 1e-4);
                assertEquals(4, token.alternatives().size());
                assertEquals(token.id(), token.alternatives().getFirst().id());
                session.feed(token.id());
            }
        }
    }

    @Test
    void sixtyFourVirtualThreadsGetTheTextThatOneGetsAlone() throws Exception {
        String alone = text(greedy(24));
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<String>> tasks = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                tasks.add(() -> text(greedy(24)));
            }
            for (Future<String> text : threads.invokeAll(tasks)) {
                assertEquals(alone, text.get());
            }
        }
    }

    @Test
    void aWarmModelGivesTheSameTextAndAClosedOneDoesNotWarmUp() throws IOException {
        model.close();
        model = LanguageModel.openDemo(ModelOptions.builder().devices("cpu").build());
        String cold = text(seeded(7));
        model.warmUp();
        model.warmUp();
        assertEquals(cold, text(seeded(7)));
        model.close();
        assertThrows(IllegalStateException.class, model::warmUp);
    }

    @Test
    @ExtendWith(NeedsOpenCl.class)
    void threadsAreRefusedWhereNoDeviceHasAny() {
        ModelOptions options =
                ModelOptions.builder().devices("opencl:0").threads(2).build();
        var error = assertThrows(IllegalArgumentException.class, () -> LanguageModel.openDemo(options));
        assertTrue(
                error.getMessage().contains("2 threads") && error.getMessage().contains("opencl:0"), error::getMessage);
    }

    @Test
    void closingTwiceIsClosingOnce() {
        model.close();
        model.close();
        assertThrows(IllegalStateException.class, () -> model.generate(PROMPT, greedy(1)));
        assertThrows(IllegalStateException.class, model::session);
    }

    @Test
    void closingFromAnotherThreadEndsARunningGeneration() throws Exception {
        GenerationOptions endless =
                GenerationOptions.builder().greedy().logitBias(neverEnding()).build();
        try (Generation generation = model.generate(PROMPT, endless)) {
            generation.iterator().next();
            Thread closer = Thread.ofVirtual().start(model::close);
            generation.text();
            FinishReason reason = generation.finishReason().orElseThrow();
            assertTrue(reason == FinishReason.CANCELLED || reason == FinishReason.CONTEXT_FULL, reason::toString);
            closer.join();
        }
    }

    @Test
    void aCancelledGenerationGivesWhatItHasAndEnds() {
        try (Generation generation = model.generate(PROMPT, greedy(400))) {
            generation.iterator().next();
            generation.cancel();
            generation.cancel();
            generation.text();
            assertTrue(generation.finishReason().isPresent());
        }
        assertFalse(text(greedy(3)).isEmpty(), "the model goes on working");
    }

    @Test
    void anInterruptedReaderCancelsItsGeneration() throws Exception {
        Generation generation = model.generate(PROMPT, greedy(400));
        boolean[] interrupted = new boolean[1];
        Thread reader = Thread.ofPlatform().start(() -> {
            Thread.currentThread().interrupt();
            generation.text();
            interrupted[0] = Thread.currentThread().isInterrupted();
        });
        reader.join();
        assertTrue(interrupted[0]);
        assertEquals(FinishReason.CANCELLED, generation.finishReason().orElseThrow());
    }

    @Test
    void aReaderThatStopsReadingDoesNotStopOthers() throws IOException {
        GenerationOptions endless =
                GenerationOptions.builder().greedy().logitBias(neverEnding()).build();
        try (Generation unread = model.generate(PROMPT, endless)) {
            assertFalse(text(greedy(10)).isEmpty());
            assertEquals(FinishReason.CONTEXT_FULL, drained(unread));
        }
    }

    @Test
    void aSessionGoesBackToAnEarlierLength() {
        int[] prompt = model.tokenize(PROMPT);
        try (TokenSession session = model.session()) {
            session.feed(prompt);
            float[] before = session.logits();
            session.feed(5, 6, 7);
            session.truncate(prompt.length - 1);
            assertEquals(prompt.length - 1, session.length());
            session.feed(prompt[prompt.length - 1]);
            assertArrayEquals(before, session.logits(), 2e-3f);
        }
    }

    @Test
    void replayedTokensGiveWhatTheyGiveOneByOne() {
        int[] tokens = model.tokenize(PROMPT);
        try (TokenSession session = model.session();
                TokenSession replayed = model.session()) {
            for (int token : tokens) {
                session.feed(token);
            }
            replayed.replay(tokens);
            assertEquals(tokens.length, replayed.length());
            assertArrayEquals(session.logits(), replayed.logits());
            session.feed(5);
            replayed.feed(5);
            assertArrayEquals(session.logits(), replayed.logits());
            int length = replayed.length();
            replayed.replay();
            assertThrows(
                    OutOfCapacityException.class,
                    () -> replayed.replay(new int[model.info().context() + 1 - length]));
            assertThrows(IllegalArgumentException.class, () -> replayed.replay(1, -1));
            assertEquals(length, replayed.length());
        }
    }

    @Test
    void closingASessionEndsAFeedThatWaits() throws Exception {
        TokenSession session = model.session();
        Thread closer = Thread.ofVirtual().start(session::close);
        try {
            session.feed(new int[400]);
        } catch (IllegalStateException e) {
            assertTrue(e.getMessage().contains("closed") || e.getMessage().contains("ended"), e.getMessage());
        }
        closer.join();
        assertThrows(IllegalStateException.class, () -> session.feed(1));
    }

    @Test
    void textSurvivesTokens() {
        assertEquals(PROMPT, model.detokenize(model.tokenizePlain(PROMPT)));
    }

    private static FinishReason drained(Generation generation) {
        generation.text();
        return generation.finishReason().orElseThrow();
    }

    private java.util.Map<Integer, Float> neverEnding() {
        return java.util.Map.of(2, Float.NEGATIVE_INFINITY);
    }

    private String text(GenerationOptions options) {
        try (Generation generation = model.generate(PROMPT, options)) {
            return generation.text();
        }
    }

    private static GenerationOptions greedy(int tokens) {
        return GenerationOptions.builder().greedy().maxTokens(tokens).build();
    }

    private static GenerationOptions seeded(long seed) {
        return GenerationOptions.builder()
                .temperature(1.5f)
                .maxTokens(30)
                .seed(seed)
                .build();
    }
}
