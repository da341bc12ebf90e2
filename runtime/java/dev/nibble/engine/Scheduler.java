package dev.nibble.engine;

import dev.nibble.OutOfCapacityException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Runs all sequences of a model, as many of them as fit in each step: first one row of every sequence that decodes, then
 * prompts in chunks. One thread of its own does all the work; every method may be called from any thread.
 *
 * <p>When the cache is full, the youngest sequence gives up its pages and is computed again later.
 */
public final class Scheduler implements AutoCloseable {
    private final ForwardPass forward;
    private final StepOutputs outputs;
    private final KvCache cache;
    private final BatchPlanner planner;
    private final int contextLength;
    private final boolean runsAhead;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    /** All sequences that have not ended, the oldest first. */
    private final List<Sequence> sequences = new ArrayList<>();

    private final Thread thread;
    private boolean closed;
    private @Nullable Throwable failed;

    Scheduler(ForwardPass forward, KvCache cache, BatchPlanner planner, int contextLength) {
        this.forward = forward;
        this.outputs = new StepOutputs(forward);
        this.cache = cache;
        this.planner = planner;
        this.contextLength = contextLength;
        this.runsAhead = forward.runsAhead();
        this.thread = Thread.ofPlatform().name("nibble-engine").daemon().unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /**
     * Opens a sequence; it runs when tokens are fed.
     *
     * @throws IllegalStateException if the scheduler is closed
     */
    public Sequence open(SequenceListener listener) {
        lock.lock();
        try {
            checkOpen();
            Sequence sequence = new Sequence(listener);
            sequences.add(sequence);
            return sequence;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Appends tokens to a sequence.
     *
     * @param everyOutput whether the logits of all these tokens are wanted, not only of the last
     * @throws IllegalStateException if the scheduler is closed or the sequence has ended
     * @throws OutOfCapacityException if the context cannot hold them; nothing was appended
     */
    public void feed(Sequence sequence, boolean everyOutput, int... tokens) {
        lock.lock();
        try {
            checkOpen();
            if (sequence.ended()) {
                throw new IllegalStateException("the sequence has ended");
            }
            checkRoom(sequence, tokens.length);
            sequence.wantEveryOutput(everyOutput);
            sequence.append(tokens);
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Checks that the context can hold so many more tokens.
     *
     * @throws OutOfCapacityException if it cannot
     */
    public void checkRoom(Sequence sequence, int tokens) {
        lock.lock();
        try {
            if (tokens > contextLength - sequence.length()) {
                throw new OutOfCapacityException(tokens + " tokens after " + sequence.length()
                        + " do not fit the context of " + contextLength + "; open the model with a larger context");
            }
        } finally {
            lock.unlock();
        }
    }

    /** Forgets the tokens of a resting sequence from {@code length} on. */
    public void truncate(Sequence sequence, int length) {
        lock.lock();
        try {
            if (length < 0 || length > sequence.length() || sequence.running() || sequence.pending() > 0) {
                throw new IllegalArgumentException("cannot cut to " + length + " tokens a sequence of "
                        + sequence.length() + ", " + sequence.pending() + " of them not computed yet");
            }
            sequence.truncate(length, cache);
        } finally {
            lock.unlock();
        }
    }

    /** Ends a sequence; its listener hears nothing more after the step that is running. */
    public void cancel(Sequence sequence) {
        lock.lock();
        try {
            remove(sequence);
        } finally {
            lock.unlock();
        }
    }

    /** To be called when a listener that was not ready has become ready. */
    public void wake() {
        lock.lock();
        try {
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Tokens in the sequence. */
    public int length(Sequence sequence) {
        lock.lock();
        try {
            return sequence.length();
        } finally {
            lock.unlock();
        }
    }

    /** Tokens of the sequence that did not have to be computed because the cache held them. */
    public int reused(Sequence sequence) {
        lock.lock();
        try {
            return sequence.reused();
        } finally {
            lock.unlock();
        }
    }

    /** The most tokens that a sequence can have. */
    public int contextLength() {
        return contextLength;
    }

    /** Stops after the step that is running and ends all sequences. Closing again does nothing. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            work.signal();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        while (thread != Thread.currentThread()) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            while (awaitWork()) {
                step();
            }
            endAll(Optional.empty());
        } catch (RuntimeException | Error e) {
            endAll(Optional.of(e));
        }
    }

    /** Waits until a batch is planned; false when the scheduler is closed. */
    private boolean awaitWork() {
        lock.lock();
        try {
            while (!closed && !planner.plan(sequences)) {
                work.awaitUninterruptibly();
            }
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    /** Runs what was planned, and the steps after it of which all is known: each begins before the results of the one before are here. */
    private void step() {
        forward.run(planner.batch());
        outputs.begin(planner.batch());
        boolean goesOn;
        do {
            goesOn = beginNext();
            outputs.await();
            deliver(goesOn);
            outputs.release();
        } while (goesOn);
    }

    private boolean beginNext() {
        lock.lock();
        try {
            if (!runsAhead || closed || !planner.goOn(sequences)) {
                return false;
            }
        } finally {
            lock.unlock();
        }
        forward.runNext(planner.batch());
        outputs.begin(planner.batch());
        return true;
    }

    /** @param goesOn whether the next step of the same sequences has begun */
    private void deliver(boolean goesOn) {
        lock.lock();
        try {
            for (BatchPlanner.Part part : planner.parts()) {
                deliver(part, goesOn);
            }
        } finally {
            lock.unlock();
        }
    }

    private void deliver(BatchPlanner.Part part, boolean goesOn) {
        Sequence sequence = part.sequence();
        sequence.running(goesOn);
        if (sequence.ended()) {
            if (!goesOn) {
                sequence.leave(cache);
            }
            return;
        }
        boolean vain = sequence.wentAnotherWay();
        sequence.ranAheadWith(goesOn ? outputs.get(part.firstOutput()).best() : Sequence.NONE);
        if (vain) {
            return;
        }
        sequence.advance(part.rows());
        sequence.publishFullPages(cache);
        for (int i = 0; i < part.outputs(); i++) {
            int position = sequence.computed() - part.outputs() + i;
            Output output = outputs.get(part.firstOutput() + i);
            if (position + 1 < sequence.length()) {
                sequence.listener.onPosition(position, output);
            } else {
                continueWith(sequence, sequence.listener.onLast(position, output));
                return;
            }
        }
    }

    private void continueWith(Sequence sequence, int next) {
        if (next == SequenceListener.FINISH) {
            remove(sequence);
        } else if (next == SequenceListener.PAUSE) {
            sequence.rest();
        } else {
            sequence.append(next);
        }
    }

    private void remove(Sequence sequence) {
        if (sequence.ended()) {
            return;
        }
        sequence.end();
        sequences.remove(sequence);
        if (!sequence.running()) {
            sequence.leave(cache);
        }
        work.signal();
    }

    private void endAll(Optional<Throwable> failure) {
        lock.lock();
        try {
            closed = true;
            failed = failure.orElse(null);
            for (Sequence sequence : List.copyOf(sequences)) {
                sequence.running(false);
                remove(sequence);
                sequence.listener.onEnd(failure);
            }
        } finally {
            lock.unlock();
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException(
                    failed == null ? "the model is closed" : "the model has failed: " + failed.getMessage(), failed);
        }
    }
}
