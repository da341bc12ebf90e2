package dev.nibble;

import dev.nibble.engine.Scheduler;
import dev.nibble.engine.Sequence;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Text in the making: iterate over its tokens as they come. It is computed beside the other generations of the model, a little
 * ahead of its reader. Read by one thread; cancelled and closed by any.
 */
public final class Generation implements Iterable<Token>, AutoCloseable {
    private final Scheduler scheduler;
    private final Sequence sequence;
    private final TokenStream stream;
    private final int promptTokens;
    private final Iterator<Token> tokens = new Tokens();

    Generation(Scheduler scheduler, TokenStream stream, int[] prompt) {
        this.scheduler = scheduler;
        this.stream = stream;
        this.promptTokens = prompt.length;
        this.sequence = scheduler.open(stream);
        try {
            scheduler.feed(sequence, false, prompt);
        } catch (RuntimeException e) {
            scheduler.cancel(sequence);
            throw e;
        }
    }

    /**
     * The tokens, each as soon as it is there. There is one iteration: every call gives the same iterator. Waiting can be
     * interrupted, which cancels the generation. A failure of the device ends the iteration with an
     * {@link IllegalStateException}.
     */
    @Override
    public Iterator<Token> iterator() {
        return tokens;
    }

    /** Waits for the end; the text of all tokens that were not read yet. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (Token token : this) {
            text.append(token.text());
        }
        return text.toString();
    }

    /** Why it ended; empty while it runs. */
    public Optional<FinishReason> finishReason() {
        return Optional.ofNullable(stream.finishReason());
    }

    /** What it has taken so far. */
    public Usage usage() {
        return stream.usage(promptTokens, scheduler.reused(sequence));
    }

    /** Ends it; tokens that are there already can still be read. Does nothing if it has ended. */
    public void cancel() {
        stream.cancel();
        scheduler.cancel(sequence);
    }

    /** Same as {@link #cancel}. */
    @Override
    public void close() {
        cancel();
    }

    private final class Tokens implements Iterator<Token> {
        private @Nullable Token next;

        @Override
        public boolean hasNext() {
            if (next == null) {
                next = await();
            }
            return next != null;
        }

        @Override
        public Token next() {
            if (!hasNext()) {
                throw new NoSuchElementException("the generation has ended");
            }
            Token token = next;
            next = null;
            return token;
        }

        private @Nullable Token await() {
            try {
                Token token = stream.next();
                if (stream.wasFull()) {
                    scheduler.wake();
                }
                return token;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                cancel();
                return null;
            }
        }
    }
}
