package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.Resources;
import dev.nibble.model.ExpertConfig;
import dev.nibble.model.ModelConfig;

/**
 * The buffers that the operations of a step pass activations through; n is the number of rows, m the number of outputs, and
 * experts stand side by side in a row. Allocated once for the largest step. Where the model does not end there are no outputs.
 */
final class StepBuffers implements AutoCloseable {
    /** I32 (1, 1): live rows. */
    final Buffer rowCount;
    /** I32 (1, 1): live outputs. */
    final Buffer outputCount;
    /** I32 (n, 1): token ids. */
    final Buffer ids;
    /** I32 (n, 1): positions in their sequences. */
    final Buffer positions;
    /** I32 (n, 1): slots of their sequences. */
    final Buffer slots;
    /** I32 (m, 1): which rows give logits. */
    final Buffer outputs;
    /** (n, width): the residual stream. */
    final Buffer residual;
    /** (n, width): the normalised input of a layer half. */
    final Buffer hidden;
    /** Q8 (n, width). */
    final Buffer hiddenQuantized;
    /** (n, width): what a layer half adds to the residual stream. */
    final Buffer delta;
    /** (n, heads × keySize). */
    final Buffer query;
    /** (n, kvHeads × keySize). */
    final Buffer key;
    /** (n, kvHeads × valueSize). */
    final Buffer value;
    /** (n, heads × valueSize). */
    final Buffer attention;
    /** Q8 (n, heads × valueSize). */
    final Buffer attentionQuantized;
    /** (n, experts used × feedForward). */
    final Buffer gate;
    /** (n, experts used × feedForward). */
    final Buffer up;
    /** Q8 (n, experts used × feedForward). */
    final Buffer gateQuantized;
    /** (m, heads × valueSize): the attention of the rows that give logits. */
    final Buffer outputAttention;
    /** (m, width): the residual stream of the rows that give logits. */
    final Buffer outputResidual;
    /** (m, vocabulary). */
    final Buffer logits;
    /** I32 (m, 1): the token of the largest logit. */
    final Buffer best;
    /** I32 (m, ranks): the tokens of the largest logits. */
    final Buffer rankedIds;
    /** (m, ranks): the largest logits. */
    final Buffer rankedLogits;
    /** (n, experts), experts only. */
    final Buffer routerLogits;
    /** I32 (n, experts used), experts only. */
    final Buffer expertIds;
    /** (n, experts used), experts only. */
    final Buffer expertWeights;
    /** (n, experts used × width), experts only. */
    final Buffer expertDelta;

    private final Resources all = new Resources();
    private final Device device;

    /** @param ends whether the model ends on this device */
    StepBuffers(Device device, ModelConfig config, StepLimits limits, boolean ends) {
        this.device = device;
        int n = limits.rows();
        int m = ends ? limits.outputs() : 1;
        ExpertConfig experts = config.experts();
        int used = experts == null ? 1 : experts.used();
        int inner = experts == null ? config.feedForward() : used * experts.feedForward();
        rowCount = ints(1, 1);
        outputCount = ints(1, 1);
        ids = ints(n, 1);
        positions = ints(n, 1);
        slots = ints(n, 1);
        outputs = ints(m, 1);
        residual = floats(n, config.width());
        hidden = floats(n, config.width());
        hiddenQuantized = quantized(n, config.width());
        delta = floats(n, config.width());
        query = floats(n, config.queryWidth());
        key = floats(n, config.keyWidth());
        value = floats(n, config.valueWidth());
        attention = floats(n, config.attentionWidth());
        attentionQuantized = quantized(n, config.attentionWidth());
        gate = floats(n, inner);
        up = floats(n, inner);
        gateQuantized = quantized(n, inner);
        outputAttention = floats(m, config.attentionWidth());
        outputResidual = floats(m, config.width());
        logits = floats(m, ends ? config.vocabulary() : 1);
        best = ints(m, 1);
        rankedIds = ints(m, ends ? ranks(config) : 1);
        rankedLogits = floats(m, ends ? ranks(config) : 1);
        routerLogits = floats(experts == null ? 1 : n, experts == null ? 1 : experts.count());
        expertIds = ints(experts == null ? 1 : n, used);
        expertWeights = floats(experts == null ? 1 : n, used);
        expertDelta = floats(experts == null ? 1 : n, experts == null ? 1 : used * config.width());
    }

    /**
     * The memory that the buffers of a step take, within a few percent, before any is allocated.
     *
     * @param ends whether the model ends on this device
     */
    static long estimateBytes(ModelConfig config, StepLimits limits, boolean ends) {
        ExpertConfig experts = config.experts();
        long inner = experts == null ? config.feedForward() : (long) experts.used() * experts.feedForward();
        long perRow = 3L * config.width()
                + config.queryWidth()
                + config.keyWidth()
                + config.valueWidth()
                + config.attentionWidth()
                + 2 * inner
                + (experts == null ? 0 : (long) experts.used() * config.width() + experts.count());
        long quantizedPerRow = config.width() + config.attentionWidth() + inner;
        long perOutput = (long) config.attentionWidth() + config.width() + config.vocabulary() + 2L * ranks(config);
        return limits.rows() * (perRow * Float.BYTES + quantizedPerRow * 5 / 4)
                + (ends ? limits.outputs() * perOutput * Float.BYTES : 0);
    }

    /** How many of an output's logits are ranked where some are. */
    private static int ranks(ModelConfig config) {
        return Math.min(Output.MOST_RANKED, config.vocabulary());
    }

    @Override
    public void close() {
        all.close();
    }

    private Buffer floats(int rows, int width) {
        return allocate(ElementType.F32, rows, width);
    }

    private Buffer ints(int rows, int width) {
        return allocate(ElementType.I32, rows, width);
    }

    private Buffer quantized(int rows, int width) {
        return allocate(ElementType.Q8, rows, width);
    }

    private Buffer allocate(ElementType type, int rows, int width) {
        try {
            return all.own(device.allocate(type, rows, width));
        } catch (RuntimeException | Error e) {
            all.closeAfter(e);
            throw e;
        }
    }
}
