package dev.nibble.engine;

import dev.nibble.device.Buffer;

/** The results of the batch that ran last. */
final class StepOutputs {
    private final ForwardPass forward;
    private final int ranks;
    private int[] tokens = new int[0]; // (outputs, ranks), or (outputs)
    private float[] logits = new float[0]; // (outputs, ranks)
    private boolean ranked;

    StepOutputs(ForwardPass forward) {
        this.forward = forward;
        this.ranks = forward.ranks();
    }

    /** Waits for the batch and reads the best tokens of its outputs. */
    void read(Batch batch) {
        int count = batch.outputCount();
        ranked = batch.isRanked();
        if (tokens.length < count * ranks) {
            tokens = new int[count * ranks];
            logits = new float[count * ranks];
        }
        if (ranked) {
            forward.readRanked(tokens, logits, count);
        } else if (count > 0) {
            forward.readBest(tokens, count);
        }
    }

    /** One output, until the next batch is read. */
    Output get(int index) {
        return new Output() {
            @Override
            public int best() {
                return tokens[ranked ? index * ranks : index];
            }

            @Override
            public void ranked(int[] bestTokens, float[] largest) {
                if (!ranked) {
                    throw new IllegalStateException("nobody asked for ranked logits before the step");
                }
                System.arraycopy(tokens, index * ranks, bestTokens, 0, bestTokens.length);
                System.arraycopy(logits, index * ranks, largest, 0, largest.length);
            }

            @Override
            public void logits(float[] target) {
                forward.readLogits(index, target);
            }

            @Override
            public void logits(Buffer target) {
                forward.copyLogits(index, target);
            }
        };
    }
}
