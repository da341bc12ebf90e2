package dev.nibble.engine;

import static dev.nibble.model.TensorRole.*;

import dev.nibble.device.AttentionForm;
import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Buffer;
import dev.nibble.device.Exchange;
import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.RowCount;
import dev.nibble.device.SumNorm;
import dev.nibble.model.LayerRange;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.TensorRole;
import dev.nibble.model.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes down the forward pass of a transformer, or of the layers that a device has of it, as a list of operations, once for each
 * batch shape.
 */
final class StepRecorder {
    private final ModelConfig config;
    private final LayerRange layers;
    private final Set<Integer> cpuExpertLayers;
    private final Weights weights;
    private final LayerCache cache;
    private final StepBuffers b;
    private final List<List<Operation>> segments = new ArrayList<>();
    private List<Operation> operations = new ArrayList<>();
    private final RowCount outputs;
    private final boolean ranked;
    private final boolean advances;
    private final int tiles;
    private final @Nullable Exchange exchange;
    /** The next one of the exchange. */
    private int turn;
    /** The rows that the operations work on: all of the batch, and those that give logits once nothing else needs the others. */
    private RowCount rows;
    /** (rows, width): the residual stream of these rows. */
    private Buffer residual;

    /**
     * Prepares to write.
     *
     * @param ranked whether the largest logits are ranked
     * @param advances whether the rows become those of the next step at the end, all of which give logits
     * @param tiles of tokens whose keys and values are made of latent vectors; 0: none are made
     * @param exchange where parts of layers are added up, or none
     */
    StepRecorder(
            Stage stage,
            int rows,
            int outputs,
            boolean ranked,
            boolean advances,
            int tiles,
            @Nullable Exchange exchange) {
        this.exchange = exchange;
        this.ranked = ranked;
        this.advances = advances;
        this.tiles = tiles;
        this.config = stage.config();
        this.layers = stage.layers();
        this.cpuExpertLayers = Set.copyOf(stage.cpuExpertLayers());
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
     *
     * @return one segment; where devices have parts of every layer and no exchange, those between which they copy: the residual stream
     *     after the first, which is empty but on the device where the model begins, and what each adds to it after the others;
     *     where routed experts are on another device, two more for each of their layers: after the first of them the input of the experts
     *     is ready, the second does not need what they give
     */
    List<List<Operation>> record() {
        if (layers.beginsModel()) {
            operations.add(new Operation.Embed(rows, b.ids, weights.matrix(TOKEN_EMBEDDING, 0), residual));
        }
        firstNorm(weights.vector(ATTENTION_NORM, layers.first()));
        for (int layer = layers.first(); layer < layers.end(); layer++) {
            boolean last = layer == config.layers() - 1;
            if (b.latent == null) {
                attention(layer, last);
            } else {
                latentAttention(layer, last, b.latent);
            }
            addNorm(weights.vector(FEED_FORWARD_NORM, layer));
            if (config.isDense(layer) || b.experts == null) {
                feedForward(layer);
            } else {
                new ExpertRecorder(this, config, weights, b, b.experts).record(layer, cpuExpertLayers.contains(layer));
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
        if (advances) {
            boolean whole = layers.beginsModel() && layers.endsModel();
            operations.add(new Operation.Advance(rows, b.positions, whole ? b.best : null, whole ? b.ids : null));
        }
        endSegment();
        return segments;
    }

    /** Nothing but turns of the exchange. */
    List<Operation> sums(int turns) {
        for (int i = 0; i < turns; i++) {
            firstNorm(weights.vector(ATTENTION_NORM, layers.first()));
        }
        return operations;
    }

    private void firstNorm(Buffer weight) {
        if (exchange != null) {
            sumNorm(exchange, weight);
            return;
        }
        if (b.deltas.size() > 1) {
            endSegment();
        }
        operations.add(new Operation.Norm(
                rows, config.architecture().norm(), config.normEpsilon(), residual, weight, null, b.hidden));
    }

    /** Ends a segment: see {@link #record}. */
    void endSegment() {
        segments.add(List.copyOf(operations));
        operations = new ArrayList<>();
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
        operations.add(
                new AttentionOperation.WriteKv(rows, b.positions, b.slots, pages, b.key, b.value, cache.layer(layer)));
        operations.add(new AttentionOperation.Attention(
                rows, b.positions, b.slots, pages, b.query, cache.layer(layer), attentionForm(), null, b.attention));
        Buffer attended = last ? keepOutputs(b.attention, b.outputAttention) : b.attention;
        if (cache.turnsValues()) {
            turn(attended, config.valueSize());
        }
        matmul(
                attended,
                b.attentionQuantized,
                List.of(product(ATTENTION_OUTPUT, layer, ATTENTION_OUTPUT_BIAS, delta())));
    }

    private AttentionForm attentionForm() {
        double scale = config.rope().scoreFactor() / Math.sqrt(config.keySize());
        return new AttentionForm(config.heads(), (float) scale, 0, 0f);
    }

    private void latentAttention(int layer, boolean last, LatentBuffers l) {
        latentQueriesAndKeys(layer, l);
        norm(l.latent, LATENT_NORM, layer);
        rope(l.queryTurned, l.keyTurned.width());
        rope(l.keyTurned, l.keyTurned.width());
        if (cache.turnsKeys()) {
            turn(l.queryTurned, l.keyTurned.width());
            turn(l.keyTurned, l.keyTurned.width());
        }
        if (cache.turnsValues()) {
            turn(l.latent, l.latent.width());
        }
        Buffer pages = cache.pageTable();
        operations.add(new AttentionOperation.WriteKv(
                rows, b.positions, b.slots, pages, l.keyTurned, l.latent, cache.layer(layer)));
        if (tiles > 0) {
            attendToTiles(layer, last, l);
            return;
        }
        byHeads(l, l.queryPlain, l.queryPlainQuantized, product(QUERY_TO_LATENT, layer, null, l.queryLatent));
        if (cache.turnsValues()) {
            turn(l.queryLatent, l.latent.width());
        }
        operations.add(new AttentionOperation.LatentAttention(
                rows,
                b.positions,
                b.slots,
                pages,
                l.queryLatent,
                l.queryTurned,
                cache.layer(layer),
                attentionForm(),
                l.attended));
        Buffer attended = last ? keepOutputs(l.attended, l.outputAttended) : l.attended;
        if (cache.turnsValues()) {
            turn(attended, l.latent.width());
        }
        Buffer values = last ? b.outputAttention : b.attention;
        byHeads(l, attended, l.attendedQuantized, product(VALUE_UP, layer, null, values));
        matmul(values, b.attentionQuantized, List.of(product(ATTENTION_OUTPUT, layer, null, delta())));
    }

    private void attendToTiles(int layer, boolean last, LatentBuffers l) {
        new TileRecorder(Objects.requireNonNull(b.tiles), l, weights, cache, attentionForm(), operations::add)
                .record(rows, layer, tiles, b.attention);
        Buffer out = last ? keepOutputs(b.attention, b.outputAttention) : b.attention;
        matmul(out, b.attentionQuantized, List.of(product(ATTENTION_OUTPUT, layer, null, delta())));
    }

    /** Queries are made of the layer's input, or of a shorter vector. */
    private void latentQueriesAndKeys(int layer, LatentBuffers l) {
        List<Product> queries = List.of(
                product(QUERY_PLAIN, layer, null, l.queryPlain), product(QUERY_TURNED, layer, null, l.queryTurned));
        List<Product> products = new ArrayList<>();
        products.add(product(LATENT, layer, null, l.latent));
        products.add(product(KEY_TURNED, layer, null, l.keyTurned));
        boolean low = weights.vectorOrNull(QUERY_DOWN_NORM, layer) != null;
        if (low) {
            products.add(product(QUERY_DOWN, layer, null, l.queryLow));
        } else {
            products.addAll(queries);
        }
        matmul(b.hidden, b.hiddenQuantized, products);
        if (low) {
            norm(l.queryLow, QUERY_DOWN_NORM, layer);
            matmul(l.queryLow, l.queryLowQuantized, queries);
        }
    }

    /** Multiplies each head's part of the rows by the head's matrix. */
    private void byHeads(LatentBuffers l, Buffer x, Buffer quantized, Product product) {
        List<Product> products = List.of(product);
        operations.add(new Operation.ExpertMatmul(
                rows, l.heads, x, quantize(x, quantized, needsQuantized(products)), products));
    }

    /** Turns heads of this size, in groups of the largest power of two that they divide into. */
    private void turn(Buffer heads, int size) {
        operations.add(new Operation.Hadamard(rows, heads, Integer.lowestOneBit(size)));
    }

    /** After the last attention only the rows that give logits are needed. */
    private Buffer keepOutputs(Buffer attended, Buffer kept) {
        operations.add(new Operation.Gather(outputs, attended, b.outputs, kept));
        operations.add(new Operation.Gather(outputs, residual, b.outputs, b.outputResidual));
        rows = outputs;
        residual = b.outputResidual;
        return kept;
    }

    private void prepareHeads(Buffer heads, TensorRole normRole, int layer) {
        if (weights.vectorOrNull(normRole, layer) != null) {
            norm(heads, normRole, layer);
        }
        rope(heads, config.keySize());
    }

    /** Normalises in place. */
    private void norm(Buffer x, TensorRole role, int layer) {
        operations.add(new Operation.Norm(
                rows, config.architecture().norm(), config.normEpsilon(), x, weights.vector(role, layer), null, x));
    }

    private void rope(Buffer heads, int headSize) {
        operations.add(new Operation.Rope(
                rows,
                b.positions,
                heads,
                headSize,
                config.architecture().ropeStyle(),
                weights.ropeFrequencies(),
                config.rope().magnitude()));
    }

    private void feedForward(int layer) {
        matmul(
                b.hidden,
                b.hiddenQuantized,
                List.of(product(GATE, layer, null, b.gate), product(UP, layer, null, b.up)));
        gate(b.gate, b.up);
        matmul(b.gate, b.gateQuantized, List.of(product(DOWN, layer, null, delta())));
    }

    /** The rows that operations work on now. */
    RowCount rows() {
        return rows;
    }

    /** Appends an operation. */
    void add(Operation operation) {
        operations.add(operation);
    }

    /** gate = act(gate) · up. */
    void gate(Buffer gate, Buffer up) {
        operations.add(new Operation.Gate(rows, config.architecture().activation(), gate, up, gate));
    }

    /** The parts are added in the same order on all devices, so that their residual streams are the same. */
    private void addNorm(Buffer weight) {
        if (exchange != null) {
            sumNorm(exchange, weight);
            return;
        }
        if (b.deltas.size() > 1) {
            endSegment();
        }
        for (Buffer delta : b.deltas) {
            operations.add(new Operation.AddNorm(
                    rows, config.architecture().norm(), config.normEpsilon(), delta, residual, weight, null, b.hidden));
        }
    }

    private void sumNorm(Exchange place, Buffer weight) {
        operations.add(new SumNorm(
                rows,
                config.architecture().norm(),
                config.normEpsilon(),
                place,
                turn++,
                residual,
                weight,
                null,
                b.hidden));
    }

    /** (n, width): what a layer half adds to the residual stream, where the next turn of an exchange takes it. */
    Buffer delta() {
        return exchange == null ? b.delta : b.exchanged().get(Exchange.buffer(turn));
    }

    /** A product with a weight of a layer, and a bias if there is one. */
    Product product(TensorRole role, int layer, @Nullable TensorRole bias, Buffer out) {
        return new Product(weights.matrix(role, layer), bias == null ? null : weights.vectorOrNull(bias, layer), out);
    }

    /** Multiplies rows, quantized before where a weight needs that. */
    void matmul(Buffer x, Buffer quantized, List<Product> products) {
        operations.add(new Operation.Matmul(rows, x, quantize(x, quantized, needsQuantized(products)), products));
    }

    /** Quantizes rows, if that is needed; else there are none. */
    @Nullable
    Buffer quantize(Buffer x, Buffer quantized, boolean needed) {
        if (!needed) {
            return null;
        }
        operations.add(new Operation.Quantize(rows, x, quantized));
        return quantized;
    }

    static boolean needsQuantized(List<Product> products) {
        return products.stream().anyMatch(product -> !product.weight().shape().takesFloats());
    }
}
