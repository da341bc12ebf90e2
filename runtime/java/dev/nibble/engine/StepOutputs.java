package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Queue;

/**
 * The results of steps. Those of a step can be had until the next step is awaited; where that has begun already, its best tokens alone.
 */
final class StepOutputs {
    private final ForwardPass forward;
    private final int ranks;
    private Results current = new Results();
    private Results next = new Results();

    /** How many steps have begun that were not awaited. */
    private int begun;

    StepOutputs(ForwardPass forward) {
        this.forward = forward;
        this.ranks = forward.ranks();
    }

    /** What comes to the host of a step. */
    private static final class Results {
        private int[] tokens = new int[0]; // (outputs, ranks), or (outputs)
        private float[] logits = new float[0]; // (outputs, ranks)
        private int count;
        private boolean ranked;
        private Queue.Fetch fetch = () -> {};
    }

    /** To be called when a batch was enqueued, at most one before the one that is awaited next. */
    void begin(Batch batch) {
        Results results = begun++ == 0 ? current : next;
        results.count = batch.outputCount();
        results.ranked = batch.isRanked();
        if (results.tokens.length < results.count * ranks) {
            results.tokens = new int[results.count * ranks];
            results.logits = new float[results.count * ranks];
        }
        results.fetch =
                results.ranked || results.count == 0 ? () -> {} : forward.fetchBest(results.tokens, results.count);
    }

    /** Waits for the batch that began first and reads the best tokens of its outputs. */
    void await() {
        if (current.ranked) {
            forward.readRanked(current.tokens, current.logits, current.count);
        } else {
            current.fetch.await();
        }
    }

    /** What was awaited is not needed any more. */
    void release() {
        begun--;
        Results released = current;
        current = next;
        next = released;
    }

    /** One output of the batch that was awaited, until it is released. */
    Output get(int index) {
        return new Output() {
            @Override
            public int best() {
                return current.tokens[current.ranked ? index * ranks : index];
            }

            @Override
            public void ranked(int[] bestTokens, float[] largest) {
                if (!current.ranked) {
                    throw new IllegalStateException("nobody asked for ranked logits before the step");
                }
                System.arraycopy(current.tokens, index * ranks, bestTokens, 0, bestTokens.length);
                System.arraycopy(current.logits, index * ranks, largest, 0, largest.length);
            }

            @Override
            public void logits(float[] target) {
                checkLast();
                forward.readLogits(index, target);
            }

            @Override
            public void logits(Buffer target) {
                checkLast();
                forward.copyLogits(index, target);
            }
        };
    }

    private void checkLast() {
        if (begun > 1) {
            throw new IllegalStateException(
                    "whoever takes the best token cannot have the logits: the next step has begun");
        }
    }
}
