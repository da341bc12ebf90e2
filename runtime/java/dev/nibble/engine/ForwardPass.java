package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.HostCopy;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Runs batches through a model, stage after stage. Nothing waits for a device but the reading of a result, and where devices do
 * not reach each other's memory, the copy between two stages for the first of them: so one works on a batch while the next still
 * works on the one before.
 */
final class ForwardPass {
    private final List<Stage> stages;
    private final Stage last;

    /** @param stages all layers of the model, in order */
    ForwardPass(List<Stage> stages) {
        this.stages = List.copyOf(stages);
        this.last = stages.getLast();
    }

    /** Computes a batch; the outputs can be read until the next one. */
    void run(Batch batch) {
        for (int i = 0; i < stages.size(); i++) {
            Stage stage = stages.get(i);
            stage.write(batch);
            if (i > 0) {
                stage.receive(stages.get(i - 1), batch.rows());
            }
            stage.run(batch);
        }
    }

    /** The tokens of the largest logits of the first outputs of the batch that ran last. */
    void readBest(int[] tokens, int outputs) {
        last.queue()
                .read(last.buffers().best, 0, MemorySegment.ofArray(tokens).asSlice(0, (long) outputs * Integer.BYTES));
    }

    /**
     * The largest logits of the first outputs of the batch that ran last, which was ranked.
     *
     * @param tokens at least (outputs, {@link #ranks})
     * @param logits the same
     */
    void readRanked(int[] tokens, float[] logits, int outputs) {
        StepBuffers buffers = last.buffers();
        long bytes = (long) outputs * ranks() * Integer.BYTES;
        last.queue()
                .read(List.of(
                        new HostCopy(
                                buffers.rankedIds,
                                0,
                                MemorySegment.ofArray(tokens).asSlice(0, bytes)),
                        new HostCopy(
                                buffers.rankedLogits,
                                0,
                                MemorySegment.ofArray(logits).asSlice(0, bytes))));
    }

    /** How many logits of an output are ranked. */
    int ranks() {
        return last.buffers().rankedIds.width();
    }

    /** The logits of one output of the batch that ran last, (vocabulary). */
    void readLogits(int output, float[] logits) {
        long first = (long) output * last.config().vocabulary();
        last.queue().read(last.buffers().logits, first, MemorySegment.ofArray(logits));
    }

    /** Enqueues a copy of the logits of one output of the batch that ran last to a buffer of the last device. */
    void copyLogits(int output, Buffer target) {
        last.queue().copyRow(last.buffers().logits, output, target);
    }
}
