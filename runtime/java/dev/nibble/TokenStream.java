package dev.nibble;

import dev.nibble.engine.Output;
import dev.nibble.engine.SequenceListener;
import dev.nibble.sampling.Choice;
import dev.nibble.sampling.Sampler;
import dev.nibble.sampling.StopStrings;
import dev.nibble.tokenizer.TokenDecoder;
import dev.nibble.tokenizer.Vocabulary;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Chooses the tokens of one generation on the engine's thread and hands them to the thread that reads them. */
final class TokenStream implements SequenceListener {
    /** A reader that is this far behind makes its sequence wait. */
    private static final int MOST_WAITING = 256;

    private final GenerationOptions options;
    private final int promptTokens;
    private final int context;
    private final Vocabulary vocabulary;
    private final TokenDecoder decoder;
    private final Sampler sampler;
    private final StopStrings stopStrings;
    private final int[] ranked; // (decisive), none if all logits are needed
    private final float[] logits; // (decisive), or (vocabulary)
    private final long start = System.nanoTime();

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Token> waiting = new ArrayDeque<>();
    private int generated;
    private long firstToken;
    private long lastToken;
    private @Nullable FinishReason finish;
    private @Nullable Throwable failure;

    /**
     * @param prompt the tokens before the first generated one, which penalties reach
     * @param context the most tokens of a sequence
     */
    TokenStream(GenerationOptions options, Vocabulary vocabulary, TokenDecoder decoder, int[] prompt, int context) {
        this.options = options;
        this.vocabulary = vocabulary;
        this.decoder = decoder;
        this.promptTokens = prompt.length;
        this.context = context;
        this.sampler = new Sampler(options.sampling(), vocabulary.size());
        this.stopStrings = new StopStrings(options.stop());
        int decisive = Math.min(options.sampling().decisive(), vocabulary.size());
        boolean ranks = decisive <= Output.MOST_RANKED;
        this.ranked = new int[ranks ? decisive : 0];
        this.logits = new float[ranks ? decisive : vocabulary.size()];
        for (int token : prompt) {
            sampler.accept(token);
        }
    }

    @Override
    public boolean ready() {
        lock.lock();
        try {
            return waiting.size() < MOST_WAITING;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean ranks() {
        return ranked.length > 0 && !options.sampling().takesBest();
    }

    /** What this position leads to is neither the last token that was asked for nor the last that has room. */
    @Override
    public boolean takesBest(int position) {
        return options.sampling().takesBest()
                && position - promptTokens + 2 != options.maxTokens()
                && position + 1 < context
                && finishReason() == null;
    }

    @Override
    public void onPosition(int position, Output output) {
        throw new IllegalStateException("a generation asks for the last logits only");
    }

    @Override
    public int onLast(int position, Output output) {
        Choice choice = choose(output);
        sampler.accept(choice.token());
        lock.lock();
        try {
            return finish == null ? take(choice, position) : FINISH;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void onEnd(Optional<Throwable> cause) {
        lock.lock();
        try {
            failure = cause.orElse(null);
            finish(FinishReason.CANCELLED);
        } finally {
            lock.unlock();
        }
    }

    void cancel() {
        lock.lock();
        try {
            finish(FinishReason.CANCELLED);
        } finally {
            lock.unlock();
        }
    }

    /** Waits for the next token; null when the generation has ended. */
    @Nullable
    Token next() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (waiting.isEmpty() && finish == null) {
                changed.await();
            }
            if (waiting.isEmpty() && failure != null) {
                throw new IllegalStateException("the generation failed: " + failure.getMessage(), failure);
            }
            return waiting.poll();
        } finally {
            lock.unlock();
        }
    }

    /** Whether the engine may have stopped because too many tokens were unread. */
    boolean wasFull() {
        lock.lock();
        try {
            return waiting.size() == MOST_WAITING - 1;
        } finally {
            lock.unlock();
        }
    }

    @Nullable
    FinishReason finishReason() {
        lock.lock();
        try {
            return finish;
        } finally {
            lock.unlock();
        }
    }

    Usage usage(int promptTokens, int cachedTokens) {
        lock.lock();
        try {
            long first = generated == 0 ? System.nanoTime() : firstToken;
            return new Usage(
                    promptTokens,
                    cachedTokens,
                    generated,
                    Duration.ofNanos(first - start),
                    Duration.ofNanos(generated == 0 ? 0 : lastToken - firstToken));
        } finally {
            lock.unlock();
        }
    }

    private Choice choose(Output output) {
        if (options.sampling().takesBest()) {
            return new Choice(output.best(), Float.NaN, List.of());
        }
        if (ranks()) {
            output.ranked(ranked, logits);
            return sampler.sample(ranked, logits);
        }
        output.logits(logits);
        return sampler.sample(logits);
    }

    /** Makes a token of what was chosen; returns it, or that the sequence is over. */
    private int take(Choice choice, int position) {
        lastToken = System.nanoTime();
        firstToken = generated == 0 ? lastToken : firstToken;
        if (vocabulary.isEndOfGeneration(choice.token())) {
            finish(FinishReason.END_OF_TEXT);
            String rest = rest("");
            if (!rest.isEmpty()) {
                waiting.add(token(choice, rest));
            }
            return FINISH;
        }
        generated++;
        String text = stopStrings.accept(decoder.accept(choice.token()));
        if (stopStrings.stopped()) {
            finish(FinishReason.STOP_STRING);
        } else if (generated == options.maxTokens()) {
            finish(FinishReason.MAX_TOKENS);
        } else if (position + 1 >= context) {
            finish(FinishReason.CONTEXT_FULL);
        }
        waiting.add(token(choice, finish == null || finish == FinishReason.STOP_STRING ? text : rest(text)));
        changed.signalAll();
        return finish == null ? choice.token() : FINISH;
    }

    /** What was held back, after {@code text}. */
    private String rest(String text) {
        String complete = text + stopStrings.accept(decoder.flush());
        return stopStrings.stopped() ? complete : complete + stopStrings.flush();
    }

    private void finish(FinishReason reason) {
        if (finish == null) {
            finish = reason;
        }
        changed.signalAll();
    }

    private static Token token(Choice choice, String text) {
        return new Token(
                choice.token(),
                text,
                choice.logProbability(),
                choice.top().stream()
                        .map(top -> new Token.Alternative(top.token(), top.logProbability()))
                        .toList());
    }
}
