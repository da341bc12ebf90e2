package dev.nibble.evaluation;

import dev.nibble.ModelInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** Works on many sequences of a model at once: enough to fill two of its steps, so that it never waits for what we compute. */
final class Parallel {
    /** Fewer than a model has places for: a sequence that has to wait for one would lose what was computed of it. */
    private static final int MOST_AT_ONCE = 32;

    private final ModelInfo model;

    Parallel(ModelInfo model) {
        this.model = model;
    }

    /**
     * Does pieces of work; after the first failure no more are begun.
     *
     * @param count their number
     * @param tokens the tokens that one of them feeds
     * @param work does the piece of this index
     * @throws IOException that the work met, wrapped or not
     */
    void run(int count, int tokens, IntConsumer work) throws IOException {
        int workers = Math.min(count, atOnce(tokens));
        AtomicInteger next = new AtomicInteger();
        try (ExecutorService threads = Executors.newFixedThreadPool(workers)) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < workers; i++) {
                running.add(threads.submit(() -> workOff(next, count, work)));
            }
            try {
                for (Future<?> worker : running) {
                    await(worker);
                }
            } finally {
                // Whoever is still at work, after a failure or an interruption, is to begin nothing more.
                next.set(count);
            }
        }
    }

    private int atOnce(int tokens) {
        int filling = 2 * Math.ceilDiv(model.batch(), tokens);
        return Math.clamp(model.cacheTokens() / tokens, 1, Math.min(filling, MOST_AT_ONCE));
    }

    private static void workOff(AtomicInteger next, int count, IntConsumer work) {
        try {
            for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                work.accept(i);
            }
        } catch (RuntimeException | Error e) {
            next.set(count);
            throw e;
        }
    }

    private static void await(Future<?> worker) throws IOException {
        try {
            worker.get();
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case UncheckedIOException failure -> throw failure.getCause();
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                default -> throw new IllegalStateException(e);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the measurement was interrupted", e);
        }
    }
}
