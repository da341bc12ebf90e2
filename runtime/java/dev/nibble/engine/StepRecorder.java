package dev.nibble.engine;

import static dev.nibble.model.TensorRole.*;

import dev.nibble.device.Buffer;
import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.RowCount;
import dev.nibble.model.ExpertConfig;
import dev.nibble.model.LayerRange;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.RopeConfig;
import dev.nibble.model.TensorRole;
import dev.nibble.model.Weights;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes down the forward pass of a transformer, or of the layers that a device has of it, as a list of operations, once for each
 * batch shape.
 */
final class StepRecorder {
    private final ModelConfig config;
    private final LayerRange layers;
    private final Weights weights;
    private final LayerCache cache;
    private final StepBuffers b;
    private final List<Operation> operations = new ArrayList<>();
    private final RowCount outputs;
    private final boolean ranked;
    /** The rows that the operations work on: all of the batch, and those that give logits once nothing else needs the others. */
    private RowCount rows;
    /** (rows, width): the residual stream of these rows. */
    private Buffer residual;

    /** @param ranked whether the largest logits are ranked */
    StepRecorder(Stage stage, int rows, int outputs, boolean ranked) {
        this.ranked = ranked;
        this.config = stage.config();
        this.layers = stage.layers();
        this.weights = stage.weights();
        this.cache = stage.cache();
        this.b = stage.buffers();
        this.rows = new RowCount(b.rowCount, rows);
        this.outputs = new RowCount(b.outputCount, outputs);
        this.residual = b.residual;
    }

    /**
     * The pass: where the model begins, token ids come in, elsewhere the residual stream; where it ends, logits and the best token,
     * or the best ones, of each output come out, elsewhere the residual stream.
     */
    List<Operation> record() {
        if (layers.beginsModel()) {
            operations.add(new Operation.Embed(rows, b.ids, weights.matrix(TOKEN_EMBEDDING, 0), residual));
        }
        operations.add(new Operation.Norm(
                rows,
                config.architecture().norm(),
                config.normEpsilon(),
                residual,
                weights.vector(ATTENTION_NORM, layers.first()),
                null,
                b.hidden));
        for (int layer = layers.first(); layer < layers.end(); layer++) {
            attention(layer, layer == config.layers() - 1);
            addNorm(weights.vector(FEED_FORWARD_NORM, layer));
            if (config.experts() == null) {
                feedForward(layer);
            } else {
                experts(layer, config.experts());
            }
            addNorm(normAfter(layer));
        }
        if (layers.endsModel()) {
            matmul(b.hidden, b.hiddenQuantized, List.of(product(OUTPUT, 0, null, b.logits)));
            operations.add(
                    ranked
                            ? new Operation.TopK(rows, b.logits, b.rankedIds, b.rankedLogits)
                            : new Operation.ArgMax(rows, b.logits, b.best));
        }
        return List.copyOf(operations);
    }

    private Buffer normAfter(int layer) {
        if (layer + 1 < layers.end()) {
            return weights.vector(ATTENTION_NORM, layer + 1);
        }
        // Where the next layer is another device's, only the sum goes there: whichever norm follows it here, nobody
        // reads it.
        return layers.endsModel() ? weights.vector(OUTPUT_NORM, 0) : weights.vector(FEED_FORWARD_NORM, layer);
    }

    private void attention(int layer, boolean last) {
        matmul(
                b.hidden,
                b.hiddenQuantized,
                List.of(
                        product(QUERY, layer, QUERY_BIAS, b.query),
                        product(KEY, layer, KEY_BIAS, b.key),
                        product(VALUE, layer, VALUE_BIAS, b.value)));
        prepareHeads(b.query, QUERY_NORM, layer);
        prepareHeads(b.key, KEY_NORM, layer);
        if (cache.turnsKeys()) {
            turn(b.query, config.keySize());
            turn(b.key, config.keySize());
        }
        if (cache.turnsValues()) {
            turn(b.value, config.valueSize());
        }
        Buffer pages = cache.pageTable();
        operations.add(new Operation.WriteKv(rows, b.positions, b.slots, pages, b.key, b.value, cache.layer(layer)));
        operations.add(new Operation.Attention(
                rows,
                b.positions,
                b.slots,
                pages,
                b.query,
                cache.layer(layer),
                new Operation.AttentionForm(config.heads(), (float) (1 / Math.sqrt(config.keySize())), 0, 0f),
                null,
                b.attention));
        Buffer attended = last ? keepOutputs() : b.attention;
        if (cache.turnsValues()) {
            turn(attended, config.valueSize());
        }
        matmul(
                attended,
                b.attentionQuantized,
                List.of(product(ATTENTION_OUTPUT, layer, ATTENTION_OUTPUT_BIAS, b.delta)));
    }

    /** Turns heads of this size, in groups of the largest power of two that they divide into. */
    private void turn(Buffer heads, int size) {
        operations.add(new Operation.Hadamard(rows, heads, Integer.lowestOneBit(size)));
    }

    /** After the last attention only the rows that give logits are needed. */
    private Buffer keepOutputs() {
        operations.add(new Operation.Gather(outputs, b.attention, b.outputs, b.outputAttention));
        operations.add(new Operation.Gather(outputs, residual, b.outputs, b.outputResidual));
        rows = outputs;
        residual = b.outputResidual;
        return b.outputAttention;
    }

    private void prepareHeads(Buffer heads, TensorRole normRole, int layer) {
        Buffer norm = weights.vectorOrNull(normRole, layer);
        if (norm != null) {
            operations.add(new Operation.Norm(
                    rows, config.architecture().norm(), config.normEpsilon(), heads, norm, null, heads));
        }
        RopeConfig rope = config.rope();
        operations.add(new Operation.Rope(
                rows,
                b.positions,
                heads,
                config.keySize(),
                config.architecture().ropeStyle(),
                weights.ropeFrequencies(),
                rope.magnitude()));
    }

    private void feedForward(int layer) {
        matmul(
                b.hidden,
                b.hiddenQuantized,
                List.of(product(GATE, layer, null, b.gate), product(UP, layer, null, b.up)));
        operations.add(new Operation.Gate(rows, config.architecture().activation(), b.gate, b.up, b.gate));
        matmul(b.gate, b.gateQuantized, List.of(product(DOWN, layer, null, b.delta)));
    }

    private void experts(int layer, ExpertConfig experts) {
        List<Product> inner = List.of(product(EXPERT_GATE, layer, null, b.gate), product(EXPERT_UP, layer, null, b.up));
        List<Product> router = List.of(product(ROUTER, layer, null, b.routerLogits));
        Buffer quantized = quantize(b.hidden, b.hiddenQuantized, needsQuantized(inner) || needsQuantized(router));
        operations.add(new Operation.Matmul(rows, b.hidden, quantized, router));
        operations.add(new Operation.Route(rows, experts.gating(), b.routerLogits, b.expertIds, b.expertWeights));
        operations.add(new Operation.ExpertMatmul(rows, b.expertIds, b.hidden, quantized, inner));
        operations.add(new Operation.Gate(rows, config.architecture().activation(), b.gate, b.up, b.gate));
        List<Product> down = List.of(product(EXPERT_DOWN, layer, null, b.expertDelta));
        quantized = quantize(b.gate, b.gateQuantized, needsQuantized(down));
        operations.add(new Operation.ExpertMatmul(rows, b.expertIds, b.gate, quantized, down));
        operations.add(new Operation.Combine(rows, b.expertDelta, b.expertWeights, b.delta));
    }

    private void addNorm(Buffer weight) {
        operations.add(new Operation.AddNorm(
                rows, config.architecture().norm(), config.normEpsilon(), b.delta, residual, weight, null, b.hidden));
    }

    private Product product(TensorRole role, int layer, @Nullable TensorRole bias, Buffer out) {
        return new Product(weights.matrix(role, layer), bias == null ? null : weights.vectorOrNull(bias, layer), out);
    }

    private void matmul(Buffer x, Buffer quantized, List<Product> products) {
        operations.add(new Operation.Matmul(rows, x, quantize(x, quantized, needsQuantized(products)), products));
    }

    private @Nullable Buffer quantize(Buffer x, Buffer quantized, boolean needed) {
        if (!needed) {
            return null;
        }
        operations.add(new Operation.Quantize(rows, x, quantized));
        return quantized;
    }

    private static boolean needsQuantized(List<Product> products) {
        return products.stream().anyMatch(product -> !product.weight().shape().takesFloats());
    }
}
