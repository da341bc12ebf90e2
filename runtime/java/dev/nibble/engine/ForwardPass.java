package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.HostCopy;
import dev.nibble.device.Mark;
import dev.nibble.device.Queue;
import dev.nibble.engine.PassMeter.Phase;
import dev.nibble.engine.PassMeter.Transfer;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs batches through a model, stage after stage. Nothing waits for a device but the reading of a result, and where devices do
 * not reach each other's memory, the copy between two stages for the first of them: so one works on a batch while the next still
 * works on the one before. Stages that are parts of the same layers work on a batch at once, and sum up what they give twice per layer.
 */
final class ForwardPass {
    /** So many transfers are timed together. */
    private static final int TRANSFERS = 16;

    private final List<Stage> stages;
    /** Where logits come out. */
    private final Stage last;

    /** Whether the stages are parts of the same layers. */
    private final boolean together;

    /** Looks on, where somebody wants to know what the devices do. */
    private volatile @Nullable PassMeter meter;

    /** The routed experts that are on a device of their own; none: all are where their layers are. */
    private final @Nullable RoutedExperts routed;

    /** All experts are where their layers are. */
    ForwardPass(List<Stage> stages) {
        this(stages, null);
    }

    /**
     * A pass through stages.
     *
     * @param stages all layers of the model, in order, or parts of all layers, the first of which gives the logits
     * @param routed the routed experts that are on a device of their own, or none
     */
    ForwardPass(List<Stage> stages, @Nullable RoutedExperts routed) {
        this.routed = routed;
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

    /** Whether {@link #runNext} can do something, and pays. */
    boolean runsAhead() {
        return stages.stream().allMatch(Stage::runsAhead);
    }

    /**
     * Computes the batch again that ran last, and gave the best token in each row: each a position further on, with that token. Nothing
     * comes from the host.
     */
    void runNext(Batch batch) {
        if (stages.getFirst() != last) {
            stages.getFirst().receiveBest(last, batch.rows());
        }
        stages.forEach(stage -> runAfterOthers(stage, batch));
    }

    /**
     * All do their part of a step at once. Where they meet on their own, that is all; elsewhere token ids come in at the first device,
     * whose residual stream the others take over. Then all do their part of half a layer and sum up.
     */
    private void runTogether(Batch batch) {
        if (last.meets()) {
            stages.forEach(stage -> stage.prepareToMeet(batch));
            stages.forEach(stage -> stage.write(batch));
            stages.forEach(stage -> run(stage, batch, 0));
            stages.forEach(stage -> enter(stage, Phase.IDLE));
            stages.forEach(stage -> met(stage, batch));
            return;
        }
        stages.forEach(stage -> stage.write(batch));
        run(last, batch, 0);
        List<Stage> others = stages.subList(1, stages.size());
        others.forEach(stage -> copy(stage, last, batch.rows()));
        int end = last.segmentCount(batch) - 1;
        for (int segment = 1; segment < end; segment++) {
            for (Stage stage : stages) {
                run(stage, batch, segment);
            }
            boolean afterLastAttention = segment >= end - 2;
            int rows = afterLastAttention ? batch.outputCount() : batch.rows();
            exchange(segment == end - 1 ? List.of(last) : stages, rows);
        }
        run(last, batch, end);
        stages.forEach(stage -> enter(stage, Phase.IDLE));
    }

    /** Twice per layer a stage adds up what all have, of the outputs alone after the last attention. Before that it may take over what begins. */
    private void met(Stage stage, Batch batch) {
        if (meter == null) {
            return;
        }
        int others = stages.size() - 1;
        int halves = 2 * stage.layers().count();
        received(stage, Transfer.REDUCE, batch.rows(), stage == last ? 0 : batch.rows());
        for (int half = 0; half < halves; half++) {
            int rows = half < halves - 2 ? batch.rows() : batch.outputCount();
            received(stage, Transfer.REDUCE, rows, (long) rows * others);
        }
    }

    private void run(Stage stage, Batch batch, int segment) {
        enter(stage, Phase.STEP);
        stage.run(batch, segment);
    }

    /** While the routed experts of a layer are computed elsewhere, the stage's device does what does not need them. */
    private void run(Stage stage, Batch batch, RoutedExperts elsewhere) {
        run(stage, batch, 0);
        int segment = 1;
        for (int layer : stage.cpuExpertLayers()) {
            int rows = layer + 1 == stage.config().layers() ? batch.outputCount() : batch.rows();
            elsewhere.take(stage.queue(), stage.buffers(), rows);
            run(stage, batch, segment++);
            enter(stage, Phase.IDLE);
            elsewhere.give(layer, stage.queue(), stage.buffers(), rows);
            run(stage, batch, segment++);
        }
    }

    private void copy(Stage stage, Stage from, int rows) {
        enter(from, Phase.EXCHANGE);
        enter(stage, Phase.EXCHANGE);
        received(stage, Transfer.COPY, rows, rows);
        stage.receive(from, rows);
        enter(from, Phase.IDLE);
    }

    private void enter(Stage stage, Phase phase) {
        PassMeter looking = meter;
        if (looking != null) {
            looking.enter(stage, phase);
        }
    }

    /** @param copied rows that come from all other devices together */
    private void received(Stage stage, Transfer how, int rows, long copied) {
        PassMeter looking = meter;
        if (looking != null) {
            looking.received(stage, how, rows, copied * stage.config().width() * Float.BYTES);
        }
    }

    /** Has somebody look on, or nobody any more; nothing runs meanwhile. */
    void meter(@Nullable PassMeter looking) {
        meter = looking;
    }

    /** How long a device takes to have so many rows from those that it has them from, by its clock, while nothing else runs. */
    double secondsAlone(Stage receiver, Transfer how, int rows) {
        transfers(receiver, how, rows, 1);
        try (Mark begin = receiver.queue().mark()) {
            transfers(receiver, how, rows, TRANSFERS);
            try (Mark end = receiver.queue().mark()) {
                return end.secondsSince(begin) / TRANSFERS;
            }
        }
    }

    private void transfers(Stage receiver, Transfer how, int rows, int count) {
        if (last.meets()) {
            stages.forEach(stage -> stage.prepareSums(rows, count));
            stages.forEach(stage -> stage.sums(rows, count));
            return;
        }
        int place = stages.indexOf(receiver);
        Stage from = together ? last : stages.get(Math.max(0, place - 1));
        for (int i = 0; i < count; i++) {
            if (how == Transfer.REDUCE) {
                exchange(stages, rows);
            } else {
                receiver.receive(from, rows);
            }
        }
    }

    /** Each of these takes over what all others add. */
    private void exchange(List<Stage> receivers, int rows) {
        stages.forEach(stage -> enter(stage, Phase.EXCHANGE));
        for (Stage receiver : receivers) {
            received(receiver, Transfer.REDUCE, rows, (long) rows * (stages.size() - 1));
            for (Stage other : stages) {
                if (other != receiver && rows > 0) {
                    receiver.receivePart(other, rows);
                }
            }
        }
    }

    private void runInTurn(Batch batch) {
        for (Stage stage : stages) {
            stage.write(batch);
            runAfterOthers(stage, batch);
        }
    }

    /** Has a stage take over what the one before it gave, and do its part. */
    private void runAfterOthers(Stage stage, Batch batch) {
        int place = stages.indexOf(stage);
        if (place > 0) {
            copy(stage, stages.get(place - 1), batch.rows());
        }
        if (routed == null) {
            run(stage, batch, 0);
        } else {
            run(stage, batch, routed);
        }
        enter(stage, Phase.IDLE);
    }

    /** Enqueues the reading of the tokens of the largest logits of the first outputs of the batch that ran last. */
    Queue.Fetch fetchBest(int[] tokens, int outputs) {
        return last.queue()
                .fetch(last.buffers().best, MemorySegment.ofArray(tokens).asSlice(0, (long) outputs * Integer.BYTES));
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
