package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.KvType;
import dev.nibble.device.Resources;
import dev.nibble.model.ExpertConfig;
import dev.nibble.model.LatentConfig;
import dev.nibble.model.LayerRange;
import dev.nibble.model.ModelConfig;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

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
    /** (n, width) each: what every part of a layer adds, this one's among them, in the order of the parts. */
    final List<Buffer> deltas;
    /** (n, heads × keySize), of whole keys only. */
    final Buffer query;
    /** (n, kvHeads × keySize), of whole keys only. */
    final Buffer key;
    /** (n, kvHeads × valueSize), of whole keys only. */
    final Buffer value;
    /** (n, heads × valueSize). */
    final Buffer attention;
    /** Q8 (n, heads × valueSize). */
    final Buffer attentionQuantized;
    /** Of latent attention; none with whole keys. */
    final @Nullable LatentBuffers latent;
    /** Of latent attention over keys and values that are made for it; none if none are. */
    final @Nullable LatentTiles tiles;
    /** (n, feedForward), dense layers only. */
    final Buffer gate;
    /** (n, feedForward), dense layers only. */
    final Buffer up;
    /** Q8 (n, feedForward), dense layers only. */
    final Buffer gateQuantized;
    /** Of layers with experts; none if there are none. */
    final @Nullable ExpertBuffers experts;
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

    private final Resources all = new Resources();
    private final Device device;

    /** @param layers those of the device */
    StepBuffers(Device device, EnginePlan plan, LayerRange layers) {
        this.device = device;
        ModelConfig config = plan.config();
        int n = plan.limits().rows();
        int m = layers.hasLast() ? plan.limits().outputs() : 1;
        boolean ends = layers.endsModel();
        boolean whole = config.latent() == null;
        int inner = config.hasDenseLayers() ? config.feedForward() : 0;
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
        deltas = IntStream.range(0, plan.parts())
                .mapToObj(part -> part == plan.part() ? delta : floats(n, config.width()))
                .toList();
        query = floats(n, whole ? config.queryWidth() : 0);
        key = floats(n, whole ? config.keyWidth() : 0);
        value = floats(n, whole ? config.valueWidth() : 0);
        attention = floats(n, config.attentionWidth());
        attentionQuantized = quantized(n, config.attentionWidth());
        latent = config.latent() == null
                ? null
                : own(() -> new LatentBuffers(device, config.latent(), config.heads(), n, m));
        TilePlan tilePlan = plan.tiles();
        tiles = config.latent() == null || tilePlan == null
                ? null
                : own(() -> new LatentTiles(device, config, config.latent(), tilePlan, n));
        gate = floats(n, inner);
        up = floats(n, inner);
        gateQuantized = quantized(n, inner);
        experts =
                config.experts() == null ? null : own(() -> new ExpertBuffers(device, plan, layers, config.experts()));
        outputAttention = floats(m, config.attentionWidth());
        outputResidual = floats(m, config.width());
        logits = floats(m, ends ? config.vocabulary() : 1);
        best = ints(m, 1);
        rankedIds = ints(m, ends ? ranks(config) : 1);
        rankedLogits = floats(m, ends ? ranks(config) : 1);
    }

    /** What an exchange between devices takes: the residual stream, then two for what a layer half adds to it. */
    List<Buffer> exchanged() {
        return List.of(residual, deltas.get(0), deltas.get(1));
    }

    /**
     * The memory that the buffers of a step take, within a few percent, before any is allocated.
     *
     * @param layers those of the device
     */
    static long estimateBytes(EnginePlan plan, LayerRange layers) {
        ModelConfig config = plan.config();
        StepLimits limits = plan.limits();
        ExpertConfig experts = config.experts();
        LatentConfig latent = config.latent();
        TilePlan tiles = plan.tiles();
        int inner = config.hasDenseLayers() ? config.feedForward() : 0;
        int outputs = layers.hasLast() ? limits.outputs() : 1;
        long perRow = (2L + plan.parts()) * config.width()
                + (latent == null ? config.queryWidth() + config.keyWidth() + config.valueWidth() : 0)
                + config.attentionWidth()
                + 2L * inner;
        long quantizedPerRow = config.width() + config.attentionWidth() + inner;
        long perOutput = (long) config.attentionWidth()
                + config.width()
                + (layers.endsModel() ? config.vocabulary() + 2L * ranks(config) : 0);
        return limits.rows() * (perRow * Float.BYTES + quantizedPerRow * 5 / 4)
                + (experts == null ? 0 : ExpertBuffers.estimateBytes(plan, layers, experts))
                + (latent == null ? 0 : LatentBuffers.estimateBytes(latent, config.heads(), limits.rows(), outputs))
                + (latent == null || tiles == null
                        ? 0
                        : LatentTiles.estimateBytes(config, latent, tiles, limits.rows()))
                + (layers.hasLast() ? outputs * perOutput * Float.BYTES : 0);
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
        return own(() -> allocate(device, type, rows, width));
    }

    private <T extends AutoCloseable> T own(Supplier<T> allocation) {
        try {
            return all.own(allocation.get());
        } catch (RuntimeException | Error e) {
            all.closeAfter(e);
            throw e;
        }
    }

    /** A buffer; one that the model has no use for, of no width, is the smallest that there is. */
    static Buffer allocate(Device device, ElementType type, int rows, int width) {
        return width > 0
                ? device.allocate(type, rows, width)
                : device.allocate(type, 1, type == ElementType.Q8 ? KvType.BLOCK : 1);
    }
}
