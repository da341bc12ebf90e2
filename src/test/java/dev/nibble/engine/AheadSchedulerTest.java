package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.AheadDevice;
import dev.nibble.device.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** Steps that begin before the tokens of those before are read, with all that the scheduler does besides. */
class AheadSchedulerTest extends SchedulerTest {
    private static final int PROMPT = 20;

    @Override
    Device openDevice() {
        return new AheadDevice(super.openDevice());
    }

    private AheadDevice ahead() {
        return (AheadDevice) device();
    }

    /** What follows a prompt if every token comes from the host. */
    private List<Integer> stepByStep(int seed, int count) {
        try (Engine engine = engine(192, 512)) {
            Writer writer = new Writer(count, false);
            writer.write(engine.scheduler(), prompt(PROMPT, seed));
            return writer.tokens();
        }
    }

    @Test
    void tokensStayOnTheDevice() {
        List<Integer> expected = stepByStep(1, 40);
        try (Engine engine = engine(192, 512)) {
            ahead().steps();
            ahead().batches();
            Writer writer = new Writer(40, true);
            writer.write(engine.scheduler(), prompt(PROMPT, 1));
            assertEquals(expected, writer.tokens());
            assertEquals(2, ahead().batches(), "the prompt and the first token");
            assertEquals(40, ahead().steps(), "none is run in vain where the last token is known to be the last");
        }
    }

    /** Three of a batch that end one after another, unforeseen, each at a token of its own. */
    @Test
    void whatRanInVainChangesNothing() {
        int[] counts = {5, 9, 30};
        try (Engine engine = engine(192, 512)) {
            for (int round = 0; round < 3; round++) {
                List<Writer> writers = new ArrayList<>();
                for (int count : counts) {
                    Writer writer = new Writer(count, true);
                    writer.foreseesItsEnd = false;
                    writers.add(writer);
                    writer.write(engine.scheduler(), prompt(PROMPT, count));
                }
                for (int i = 0; i < counts.length; i++) {
                    assertEquals(
                            stepByStep(counts[i], counts[i]), writers.get(i).tokens());
                }
            }
        }
    }

    /** A sequence that says it would take the best token and takes another, or rests, computes from what it has. */
    @Test
    void whoGoesAnotherWayIsComputedAgain() {
        List<Integer> best = stepByStep(2, 6);
        int other = best.get(3) == 7 ? 8 : 7;
        List<Integer> expected;
        try (Engine engine = engine(192, 512)) {
            Writer writer = new Writer(20, false);
            writer.instead = token -> token == 3 ? other : SequenceListener.PAUSE;
            writer.write(engine.scheduler(), prompt(PROMPT, 2));
            expected = writer.tokens();
        }
        assertEquals(best.subList(0, 3), expected.subList(0, 3));
        assertEquals(other, expected.get(3));
        try (Engine engine = engine(192, 512)) {
            Writer writer = new Writer(20, true);
            writer.instead = token -> token == 3 ? other : SequenceListener.PAUSE;
            writer.write(engine.scheduler(), prompt(PROMPT, 2));
            assertEquals(expected, writer.tokens());
        }
    }

    /** One that wants more than the best token holds the others to steps that the host writes. */
    @Test
    void oneThatSamplesMakesAllWaitForTheHost() {
        try (Engine engine = engine(192, 512)) {
            Writer sampled = new Writer(60, false);
            sampled.write(engine.scheduler(), prompt(PROMPT, 3));
            sampled.started.join();
            ahead().steps();
            ahead().batches();
            Writer greedy = new Writer(12, true);
            greedy.write(engine.scheduler(), prompt(PROMPT, 4));
            assertEquals(stepByStep(4, 12), greedy.tokens());
            assertTrue(ahead().batches() >= 12);
            sampled.tokens();
        }
    }

    @Test
    void whoeverComesLaterIsLetIn() {
        try (Engine engine = engine(192, 512)) {
            Writer first = new Writer(70, true);
            first.write(engine.scheduler(), prompt(PROMPT, 5));
            first.started.join();
            Writer second = new Writer(10, true);
            second.write(engine.scheduler(), prompt(PROMPT, 6));
            assertEquals(stepByStep(6, 10), second.tokens());
            assertTrue(first.count() < 70, "the second waited for the first");
            assertEquals(stepByStep(5, 70), first.tokens());
        }
    }

    /** Nothing of it is left: a cache of one sequence has room for the next. */
    @Test
    void cancelledWhileAStepIsAhead() {
        try (Engine engine = engine(96, 512)) {
            for (int i = 0; i < 5; i++) {
                Writer writer = new Writer(70, true);
                writer.write(engine.scheduler(), prompt(PROMPT, 7));
                writer.started.join();
                engine.scheduler().cancel(writer.sequence);
            }
            Writer writer = new Writer(70, true);
            writer.write(engine.scheduler(), prompt(PROMPT, 8));
            assertEquals(stepByStep(8, 70), writer.tokens());
        }
    }

    @Test
    void logitsOfAStepThatIsFollowedAreRefused() {
        try (Engine engine = engine(192, 512)) {
            Writer writer = new Writer(70, true);
            writer.readsLogits = true;
            writer.write(engine.scheduler(), prompt(PROMPT, 9));
            var failure = assertThrows(CompletionException.class, writer::tokens);
            assertInstanceOf(IllegalStateException.class, failure.getCause());
            assertTrue(failure.getMessage().contains("the next step has begun"), failure.getMessage());
        }
    }

    /** Takes the best token until there are enough. */
    private static final class Writer implements SequenceListener {
        final CompletableFuture<Void> started = new CompletableFuture<>();
        private final CompletableFuture<List<Integer>> done = new CompletableFuture<>();
        private final List<Integer> tokens = new ArrayList<>();
        private final int count;
        private final boolean takesBest;
        private Sequence sequence;
        private boolean foreseesItsEnd = true;
        private boolean readsLogits;
        private IntFunction<Integer> instead = token -> PAUSE;

        Writer(int count, boolean takesBest) {
            this.count = count;
            this.takesBest = takesBest;
        }

        void write(Scheduler scheduler, int[] prompt) {
            sequence = scheduler.open(this);
            scheduler.feed(sequence, false, prompt);
        }

        List<Integer> tokens() {
            return done.join();
        }

        synchronized int count() {
            return tokens.size();
        }

        @Override
        public boolean ready() {
            return true;
        }

        @Override
        public boolean takesBest(int position) {
            return takesBest && (!foreseesItsEnd || position - PROMPT + 2 < count);
        }

        @Override
        public void onPosition(int position, Output output) {
            done.completeExceptionally(new IllegalStateException("only the last output was asked for"));
        }

        @Override
        public synchronized int onLast(int position, Output output) {
            if (readsLogits && !tokens.isEmpty()) {
                output.logits(new float[1024]);
            }
            int other = instead.apply(tokens.size());
            int next = other == PAUSE ? output.best() : other;
            tokens.add(next);
            started.complete(null);
            if (tokens.size() < count) {
                return next;
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
