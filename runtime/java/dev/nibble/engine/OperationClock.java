package dev.nibble.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Runs a batch and, on the engine's thread before anything else runs, times its operations. */
final class OperationClock implements SequenceListener {
    private final List<Stage> stages;
    private final @Nullable RoutedExperts routed;
    private final Batch batch;
    private final int repetitions;
    private final int depth;
    private final CompletableFuture<List<OperationTime>> times = new CompletableFuture<>();
    private final CompletableFuture<Void> deep = new CompletableFuture<>();

    /** @param batch where the scheduler plans the steps of these stages */
    OperationClock(List<Stage> stages, @Nullable RoutedExperts routed, Batch batch, int depth, int repetitions) {
        this.stages = stages;
        this.routed = routed;
        this.batch = batch;
        this.depth = depth;
        this.repetitions = repetitions;
    }

    /** Feeds a context, then the tokens whose step is measured; waits for the times. */
    List<OperationTime> run(Scheduler scheduler, int[] context, int[] tokens) {
        Sequence sequence = scheduler.open(this);
        try {
            if (context.length > 0) {
                scheduler.feed(sequence, false, context);
                deep.join();
            }
            scheduler.feed(sequence, false, tokens);
            return times.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        } finally {
            scheduler.cancel(sequence);
        }
    }

    @Override
    public boolean ready() {
        return true;
    }

    @Override
    public void onPosition(int position, Output output) {}

    @Override
    public int onLast(int position, Output output) {
        if (position + 1 == depth) {
            deep.complete(null);
            return PAUSE;
        }
        try {
            List<OperationTime> all = new ArrayList<>();
            stages.forEach(stage -> all.addAll(stage.operationTimes(batch, depth, repetitions)));
            if (routed != null) {
                all.addAll(routed.operationTimes(batch, repetitions));
            }
            times.complete(all);
        } catch (RuntimeException | Error e) {
            times.completeExceptionally(e);
        }
        return PAUSE;
    }

    @Override
    public void onEnd(Optional<Throwable> failure) {
        Throwable end = failure.orElseGet(() -> new IllegalStateException("the model was closed"));
        deep.completeExceptionally(end);
        times.completeExceptionally(end);
    }
}
