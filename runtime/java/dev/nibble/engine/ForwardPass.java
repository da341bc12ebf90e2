package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.HostCopy;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Runs batches through a model, stage after stage. Nothing waits for a device but the reading of a result, and where devices do
 * not reach each other's memory, the copy between two stages for the first of them: so one works on a batch while the next still
 * works on the one before. Stages that are parts of the same layers work on a batch at once, and sum up what they give twice per layer.
 */
final class ForwardPass {
    private final List<Stage> stages;
    /** Where logits come out. */
    private final Stage last;

    /** Whether the stages are parts of the same layers. */
    private final boolean together;

    /** @param stages all layers of the model, in order, or parts of all layers, the first of which gives the logits */
    ForwardPass(List<Stage> stages) {
        this.stages = List.copyOf(stages);
        this.together = stages.size() > 1 && !stages.getLast().layers().endsModel();
        this.last = together ? stages.getFirst() : stages.getLast();
    }

    /** Computes a batch; the outputs can be read until the next one. */
    void run(Batch batch) {
        if (together) {
            runTogether(batch);
        } else {
            runInTurn(batch);
        }
    }

    /** Token ids come in at the first device, whose residual stream the others take over. Then all do their part of half a layer and sum up. */
    private void runTogether(Batch batch) {
        stages.forEach(stage -> stage.write(batch));
        last.run(batch, 0);
        List<Stage> others = stages.subList(1, stages.size());
        others.forEach(stage -> stage.receive(last, batch.rows()));
        int end = last.segmentCount(batch) - 1;
        for (int segment = 1; segment < end; segment++) {
            for (Stage stage : stages) {
                stage.run(batch, segment);
            }
            boolean afterLastAttention = segment >= end - 2;
            int rows = afterLastAttention ? batch.outputCount() : batch.rows();
            exchange(segment == end - 1 ? List.of(last) : stages, rows);
        }
        last.run(batch, end);
    }

    /** Each of these takes over what all others add. */
    private void exchange(List<Stage> receivers, int rows) {
        for (Stage receiver : receivers) {
            for (Stage other : stages) {
                if (other != receiver && rows > 0) {
                    receiver.receivePart(other, rows);
                }
            }
        }
    }

    private void runInTurn(Batch batch) {
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
