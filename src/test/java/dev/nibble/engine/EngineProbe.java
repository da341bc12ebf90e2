package dev.nibble.engine;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Feeds tokens to a scheduler and waits for the logits at each of them. */
final class EngineProbe implements SequenceListener {
    private final CompletableFuture<float[]> done = new CompletableFuture<>();
    private final float[] logits;
    private final int vocabulary;

    private EngineProbe(int tokens, int vocabulary) {
        this.logits = new float[tokens * vocabulary];
        this.vocabulary = vocabulary;
    }

    /** The logits (tokens, vocabulary). */
    static float[] logits(Scheduler scheduler, int vocabulary, int... tokens) {
        EngineProbe probe = new EngineProbe(tokens.length, vocabulary);
        scheduler.feed(scheduler.open(probe), true, tokens);
        return probe.done.join();
    }

    @Override
    public boolean ready() {
        return true;
    }

    @Override
    public void onPosition(int position, Output output) {
        float[] row = new float[vocabulary];
        output.logits(row);
        System.arraycopy(row, 0, logits, position * vocabulary, vocabulary);
    }

    @Override
    public int onLast(int position, Output output) {
        onPosition(position, output);
        done.complete(logits);
        return FINISH;
    }

    @Override
    public void onEnd(Optional<Throwable> failure) {
        done.completeExceptionally(failure.orElseGet(() -> new IllegalStateException("closed")));
    }
}
