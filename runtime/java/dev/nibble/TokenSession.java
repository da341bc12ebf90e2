package dev.nibble;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.engine.Output;
import dev.nibble.engine.Scheduler;
import dev.nibble.engine.Sequence;
import dev.nibble.engine.SequenceListener;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A sequence fed token by token, with the model's logits after each: what samplers of one's own, evaluations and benchmarks
 * are made with. Used by one thread at a time; other sessions and generations of the model share its steps.
 */
public final class TokenSession implements AutoCloseable {
    private static final int MOST_WAITING = 64;
    private static final float[] NOT_READ = {};

    private final Scheduler scheduler;
    private final Sequence sequence;
    private final int vocabulary;
    private final Deque<Row> rows = new ArrayDeque<>();
    private float[] logits = new float[0];
    private volatile @Nullable Buffer logitsTarget;
    private volatile @Nullable RuntimeException targetFailure;
    /** What {@link #replay} runs, and how many of it the engine has taken. Handed over with the first token. */
    private int[] toFollow = {};

    private int followed;
    private boolean last;
    private boolean ended;
    private @Nullable Throwable failure;

    TokenSession(Scheduler scheduler, int vocabulary) {
        this.scheduler = scheduler;
        this.vocabulary = vocabulary;
        this.sequence = scheduler.open(new Listener());
    }

    private record Row(int position, float[] logits) {}

    /** The number of tokens fed. */
    public int length() {
        return scheduler.length(sequence);
    }

    /**
     * Runs tokens through the model; {@link #logits} then gives what follows the last.
     *
     * @throws IllegalArgumentException if one of them is not in the vocabulary; nothing was fed
     * @throws OutOfCapacityException if the context cannot hold them; nothing was fed
     * @throws IllegalStateException if the model or the session is closed
     */
    public void feed(int... tokens) {
        feed(tokens, false, (position, row) -> {});
    }

    /**
     * Runs tokens through the model and hands over the logits at each of them, in order, on the calling thread.
     *
     * @throws IllegalArgumentException if one of them is not in the vocabulary; nothing was fed
     * @throws OutOfCapacityException if the context cannot hold them; nothing was fed
     * @throws IllegalStateException if the model or the session is closed
     */
    public void feed(int[] tokens, LogitsConsumer each) {
        feed(tokens, true, each);
    }

    /**
     * Runs tokens through the model and copies the logits after the last to the first row of a buffer of the device that the model
     * runs on, the last of several: they do not come to the host, and {@link #logits} stay as they were. The copy is enqueued when
     * this returns: what is enqueued on the device's queue from then on finds it done.
     *
     * @param target F32 (any, vocabulary), which the session does not close
     * @throws IllegalArgumentException if the buffer is of another form or device, or a token is not in the vocabulary
     * @throws OutOfCapacityException if the context cannot hold the tokens; nothing was fed
     * @throws IllegalStateException if the model, the session or the buffer is closed
     */
    public void feed(Buffer target, int... tokens) {
        if (target.type() != ElementType.F32 || target.width() != vocabulary) {
            throw new IllegalArgumentException("logits need a buffer of F32 (any, " + vocabulary + "), not of "
                    + target.type() + " (" + target.rows() + ", " + target.width() + ")");
        }
        float[] before = logits;
        logitsTarget = target;
        try {
            feed(tokens, false, (position, row) -> {});
        } finally {
            logitsTarget = null;
            logits = before;
        }
        RuntimeException wrong = targetFailure;
        if (wrong != null) {
            targetFailure = null;
            throw wrong;
        }
    }

    /**
     * Runs tokens one after another, each in a step of its own, as a generation does that chooses these tokens: the engine goes
     * from one to the next without asking. {@link #logits} then gives what follows the last.
     *
     * @throws IllegalArgumentException if one of them is not in the vocabulary; nothing was fed
     * @throws OutOfCapacityException if the context cannot hold them; nothing was fed
     * @throws IllegalStateException if the model or the session is closed
     */
    public void replay(int... tokens) {
        check(tokens);
        scheduler.checkRoom(sequence, tokens.length);
        if (tokens.length > 0) {
            toFollow = tokens.clone();
            followed = 1;
            feed(new int[] {tokens[0]}, false, (position, row) -> {});
        }
    }

    /** The logits (vocabulary) after the last token fed; a new array after each feed. */
    public float[] logits() {
        return logits;
    }

    /** Forgets the tokens from {@code length} on. */
    public void truncate(int length) {
        scheduler.truncate(sequence, length);
    }

    /** Gives the session's part of the cache back and ends a feed that waits. Closing again does nothing. */
    @Override
    public void close() {
        scheduler.cancel(sequence);
        synchronized (this) {
            ended = true;
            notifyAll();
        }
    }

    private void feed(int[] tokens, boolean every, LogitsConsumer each) {
        check(tokens);
        if (tokens.length == 0) {
            return;
        }
        synchronized (this) {
            last = false;
        }
        scheduler.feed(sequence, every, tokens);
        for (Row row = next(); row != null; row = next()) {
            logits = row.logits();
            each.accept(row.position(), row.logits());
        }
    }

    private void check(int[] tokens) {
        for (int token : tokens) {
            if (token < 0 || token >= vocabulary) {
                throw new IllegalArgumentException(
                        "token " + token + " is not in the vocabulary of " + vocabulary + " tokens");
            }
        }
    }

    /** Waits for the next row of logits; null after the last. */
    private @Nullable Row next() {
        Row row;
        synchronized (this) {
            awaitRow();
            row = rows.poll();
        }
        if (row != null) {
            scheduler.wake();
        }
        return row;
    }

    private void awaitRow() {
        boolean interrupted = false;
        while (rows.isEmpty() && !last && !ended) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (rows.isEmpty() && !last) {
            throw new IllegalStateException(
                    "the session or its model was closed" + (failure == null ? "" : ": " + failure.getMessage()),
                    failure);
        }
    }

    private final class Listener implements SequenceListener {
        @Override
        public boolean ready() {
            synchronized (TokenSession.this) {
                return rows.size() < MOST_WAITING;
            }
        }

        @Override
        public void onPosition(int position, Output output) {
            add(position, output, false);
        }

        @Override
        public int onLast(int position, Output output) {
            if (followed < toFollow.length) {
                return toFollow[followed++];
            }
            add(position, output, true);
            return PAUSE;
        }

        @Override
        public void onEnd(Optional<Throwable> cause) {
            synchronized (TokenSession.this) {
                ended = true;
                failure = cause.orElse(null);
                TokenSession.this.notifyAll();
            }
        }

        private float[] row(Output output) {
            Buffer target = logitsTarget;
            if (target == null) {
                float[] row = new float[vocabulary];
                output.logits(row);
                return row;
            }
            try {
                output.logits(target);
            } catch (IllegalArgumentException | IllegalStateException e) {
                targetFailure = e;
            }
            return NOT_READ;
        }

        private void add(int position, Output output, boolean isLast) {
            float[] row = row(output);
            synchronized (TokenSession.this) {
                rows.add(new Row(position, row));
                last = isLast;
                TokenSession.this.notifyAll();
            }
        }
    }
}
