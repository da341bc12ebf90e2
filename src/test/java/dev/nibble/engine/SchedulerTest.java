package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.LanguageModel;
import dev.nibble.OutOfCapacityException;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvType;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.GgufModel;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Many sequences in little room: what each gives must not depend on the others. */
class SchedulerTest {
    private static final int CONTEXT = 96;

    @TempDir
    Path folder;

    private KvType kv = KvType.F16;
    private Device device;
    private GgufModel model;

    @BeforeEach
    void open() throws Exception {
        Path file = folder.resolve("demo.gguf");
        try (InputStream demo = LanguageModel.class.getResourceAsStream("tiny-q8_0.gguf")) {
            Files.copy(demo, file);
        }
        device = openDevice();
        model = new GgufModel(GgufFile.open(file));
    }

    /** The device under test. */
    Device openDevice() {
        return Devices.open(deviceName(), new DeviceOptions(2, false));
    }

    /** Its name. */
    String deviceName() {
        return "reference";
    }

    /** Compares the tokens that follow a prompt when it runs alone and among others. */
    void compare(int[] prompt, List<Integer> alone, List<Integer> together) {
        assertEquals(alone, together);
    }

    /** Compares the logits of the same tokens in steps of different shapes. */
    void compare(float[] expected, float[] actual) {
        assertArrayEquals(expected, actual);
    }

    final Device device() {
        return device;
    }

    @AfterEach
    void close() {
        device.close();
        model.close();
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "Q4_0"})
    void aSequenceGivesTheSameTokensAloneAndAmongOthersThatTakeItsPages(KvType type) {
        verifyThatOthersChangeNothing(type);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "Q8_0"})
    @Tag("slow")
    void aSequenceGivesTheSameTokensAloneAndAmongOthersWithOtherCaches(KvType type) {
        verifyThatOthersChangeNothing(type);
    }

    private void verifyThatOthersChangeNothing(KvType type) {
        kv = type;
        List<int[]> prompts = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            prompts.add(prompt(20 + 3 * i, i));
        }
        List<List<Integer>> alone = new ArrayList<>();
        for (int[] prompt : prompts) {
            try (Engine engine = engine(CONTEXT, 512)) {
                alone.add(new Greedy(engine.scheduler(), 40, prompt).tokens());
            }
        }
        try (Engine engine = engine(2 * CONTEXT, 16)) {
            List<Greedy> together = prompts.stream()
                    .map(prompt -> new Greedy(engine.scheduler(), 40, prompt))
                    .toList();
            together.forEach(Greedy::tokens);
            for (int i = 0; i < prompts.size(); i++) {
                compare(prompts.get(i), alone.get(i), together.get(i).tokens());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(KvType.class)
    void aPromptThatBeginsLikeAnEarlierOneComputesOnlyItsRest(KvType type) {
        kv = type;
        try (Engine engine = engine(4 * CONTEXT, 512)) {
            int[] prompt = prompt(70, 1);
            Greedy first = new Greedy(engine.scheduler(), 10, prompt);
            List<Integer> tokens = first.tokens();
            assertEquals(0, engine.scheduler().reused(first.sequence));
            Greedy second = new Greedy(engine.scheduler(), 10, prompt);
            assertEquals(tokens, second.tokens());
            assertEquals(64, engine.scheduler().reused(second.sequence), "two full pages of 32 tokens");
        }
    }

    @ParameterizedTest
    @EnumSource(KvType.class)
    void theLogitsOfEveryPositionComeInOrderWhateverTheStepsAre(KvType type) {
        kv = type;
        int[] prompt = prompt(50, 2);
        float[] inOneStep;
        try (Engine engine = engine(CONTEXT, 512)) {
            inOneStep = EngineProbe.logits(engine.scheduler(), 1024, prompt);
        }
        try (Engine engine = engine(CONTEXT, 7)) {
            compare(inOneStep, EngineProbe.logits(engine.scheduler(), 1024, prompt));
        }
    }

    @Test
    void theLargestLogitsAreThoseOfAll() {
        int[] prompt = prompt(12, 8);
        try (Engine engine = engine(CONTEXT, 512)) {
            Ranking ranking = new Ranking();
            engine.scheduler().feed(engine.scheduler().open(ranking), true, prompt);
            ranking.done.join();
            Greedy other = new Greedy(engine.scheduler(), 1, prompt);
            assertEquals(ranking.best, other.tokens().getFirst());
            assertEquals(12, ranking.positions);
        }
    }

    @Test
    void moreTokensThanTheContextHoldsAreRefusedAndNothingIsLost() {
        try (Engine engine = engine(CONTEXT, 512)) {
            Greedy greedy = new Greedy(engine.scheduler(), 1, prompt(30, 3));
            assertEquals(1, greedy.tokens().size());
            Sequence sequence = engine.scheduler().open(greedy);
            OutOfCapacityException refused = assertThrows(
                    OutOfCapacityException.class,
                    () -> engine.scheduler().feed(sequence, false, prompt(CONTEXT + 1, 3)));
            assertTrue(refused.getMessage().contains("97 tokens after 0"), refused.getMessage());
            assertEquals(0, engine.scheduler().length(sequence));
        }
    }

    @ParameterizedTest
    @EnumSource(KvType.class)
    void aSequenceThatRestsIsNotComputedAgainBeforeMoreIsFed(KvType type) throws InterruptedException {
        kv = type;
        try (Engine engine = engine(4 * CONTEXT, 512)) {
            Scheduler scheduler = engine.scheduler();
            Resting resting = new Resting();
            Sequence sequence = scheduler.open(resting);
            scheduler.feed(sequence, false, prompt(70, 5));
            assertEquals(69, resting.positions.take());
            scheduler.truncate(sequence, 32);
            assertEquals(3, new Greedy(scheduler, 3, prompt(20, 6)).tokens().size());
            assertTrue(resting.positions.isEmpty(), "the last token that is left was run again");
            scheduler.feed(sequence, false, 7);
            assertEquals(32, resting.positions.take());
        }
    }

    @Test
    void closingEndsSequencesThatRun() {
        Engine engine = engine(CONTEXT, 512);
        Greedy endless = new Greedy(engine.scheduler(), Integer.MAX_VALUE, prompt(5, 4));
        engine.close();
        engine.close();
        assertThrows(Exception.class, endless::tokens);
        assertThrows(IllegalStateException.class, () -> engine.scheduler().open(endless));
    }

    /** The logits (vocabulary) after these tokens, in steps of so many. */
    float[] logitsAfter(int rows, int... tokens) {
        try (Engine engine = engine(CONTEXT, rows)) {
            return EngineProbe.last(engine.scheduler(), 1024, tokens);
        }
    }

    Engine engine(int cacheTokens, int rows) {
        return Engine.open(List.of(device), model, new EngineOptions(CONTEXT, cacheTokens, kv, kv, rows), done -> {});
    }

    static int[] prompt(int length, int seed) {
        int[] tokens = new java.util.Random(seed).ints(length, 5, 1000).toArray();
        tokens[0] = 1;
        return tokens;
    }

    /** Notes the positions whose outputs were given. */
    private static final class Resting implements SequenceListener {
        final BlockingQueue<Integer> positions = new LinkedBlockingQueue<>();

        @Override
        public boolean ready() {
            return true;
        }

        @Override
        public void onPosition(int position, Output output) {
            positions.add(position);
        }

        @Override
        public int onLast(int position, Output output) {
            positions.add(position);
            return PAUSE;
        }

        @Override
        public void onEnd(Optional<Throwable> failure) {}
    }

    /** Compares, at each position, the largest logits with all of them. */
    private static final class Ranking implements SequenceListener {
        final CompletableFuture<Void> done = new CompletableFuture<>();
        int positions;
        int best;

        @Override
        public boolean ready() {
            return true;
        }

        @Override
        public boolean ranks() {
            return true;
        }

        @Override
        public void onPosition(int position, Output output) {
            float[] all = new float[1024];
            output.logits(all);
            int[] tokens = new int[Output.MOST_RANKED];
            float[] largest = new float[tokens.length];
            output.ranked(tokens, largest);
            int[] expected = java.util.stream.IntStream.range(0, all.length)
                    .boxed()
                    .sorted((a, b) -> Float.compare(all[b] + 0f, all[a] + 0f))
                    .limit(tokens.length)
                    .mapToInt(i -> i)
                    .toArray();
            assertArrayEquals(expected, tokens);
            for (int i = 0; i < tokens.length; i++) {
                assertEquals(all[tokens[i]], largest[i]);
            }
            assertEquals(tokens[0], output.best());
            best = output.best();
            positions++;
        }

        @Override
        public int onLast(int position, Output output) {
            try {
                onPosition(position, output);
                done.complete(null);
            } catch (Throwable e) {
                done.completeExceptionally(e);
            }
            return FINISH;
        }

        @Override
        public void onEnd(Optional<Throwable> failure) {
            done.completeExceptionally(failure.orElseGet(() -> new IllegalStateException("closed")));
        }
    }

    /** Takes the best token until there are enough. */
    static final class Greedy implements SequenceListener {
        final Sequence sequence;
        private final CompletableFuture<List<Integer>> done = new CompletableFuture<>();
        private final List<Integer> tokens = new ArrayList<>();
        private final int count;

        Greedy(Scheduler scheduler, int count, int... prompt) {
            this.count = count;
            this.sequence = scheduler.open(this);
            scheduler.feed(sequence, false, prompt);
        }

        List<Integer> tokens() {
            return done.join();
        }

        @Override
        public boolean ready() {
            return true;
        }

        @Override
        public boolean takesBest(int position) {
            return position + 1 < CONTEXT;
        }

        @Override
        public void onPosition(int position, Output output) {
            done.completeExceptionally(new IllegalStateException("only the last output was asked for"));
        }

        @Override
        public int onLast(int position, Output output) {
            tokens.add(output.best());
            if (tokens.size() < count && position + 1 < CONTEXT) {
                return output.best();
            }
            done.complete(tokens);
            return FINISH;
        }

        @Override
        public void onEnd(Optional<Throwable> failure) {
            done.completeExceptionally(failure.orElseGet(() -> new IllegalStateException("closed")));
        }
    }
}
