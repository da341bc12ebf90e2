package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.Queue;
import dev.nibble.device.Step;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.Weights;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * Runs batches through a model. A step is prepared once for each batch shape, rounded up to powers of two, and then run again
 * and again with new contents in the same buffers.
 */
final class ForwardPass implements AutoCloseable {
    private final Device device;
    private final ModelConfig config;
    private final Weights weights;
    private final KvCache cache;
    private final StepLimits limits;
    private final StepBuffers buffers;
    private final Map<Shape, Step> steps = new HashMap<>();

    ForwardPass(Device device, ModelConfig config, Weights weights, KvCache cache, StepLimits limits) {
        this.device = device;
        this.config = config;
        this.weights = weights;
        this.cache = cache;
        this.limits = limits;
        this.buffers = new StepBuffers(device, config, limits);
    }

    /** Rows and outputs that a prepared step can take. */
    private record Shape(int rows, int outputs) {}

    /** Computes a batch; the outputs can be read until the next one. */
    void run(Batch batch) {
        Queue queue = device.queue();
        write(queue, buffers.rowCount, new int[] {batch.rows()}, 1);
        write(queue, buffers.outputCount, new int[] {batch.outputCount()}, 1);
        write(queue, buffers.ids, batch.ids(), batch.rows());
        write(queue, buffers.positions, batch.positions(), batch.rows());
        write(queue, buffers.slots, batch.slots(), batch.rows());
        write(queue, buffers.outputs, batch.outputs(), batch.outputCount());
        Shape shape = new Shape(
                bucket(batch.rows(), limits.rows()), bucket(Math.max(1, batch.outputCount()), limits.outputs()));
        queue.submit(steps.computeIfAbsent(shape, this::prepare));
    }

    /** The tokens of the largest logits of the first outputs of the batch that ran last. */
    void readBest(int[] tokens, int outputs) {
        device.queue().read(buffers.best, 0, MemorySegment.ofArray(tokens).asSlice(0, (long) outputs * Integer.BYTES));
    }

    /** The logits of one output of the batch that ran last, (vocabulary). */
    void readLogits(int output, float[] logits) {
        device.queue().read(buffers.logits, (long) output * config.vocabulary(), MemorySegment.ofArray(logits));
    }

    @Override
    public void close() {
        buffers.close();
    }

    private Step prepare(Shape shape) {
        return device.prepare(
                new StepRecorder(config, weights, cache, buffers, shape.rows(), shape.outputs()).record());
    }

    private static void write(Queue queue, Buffer target, int[] values, int count) {
        if (count > 0) {
            queue.write(target, 0, MemorySegment.ofArray(values).asSlice(0, (long) count * Integer.BYTES));
        }
    }

    private static int bucket(int count, int limit) {
        return Math.min(limit, Integer.highestOneBit(Math.max(1, 2 * count - 1)));
    }
}
