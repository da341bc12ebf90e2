package dev.nibble.engine;

import static dev.nibble.model.TensorRole.KEY_UP;
import static dev.nibble.model.TensorRole.VALUE_UP;

import dev.nibble.device.AttentionForm;
import dev.nibble.device.AttentionOperation;
import dev.nibble.device.Buffer;
import dev.nibble.device.Operation;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.RowCount;
import dev.nibble.model.Weights;
import java.util.List;
import java.util.function.Consumer;

/**
 * Writes down attention over keys and values that are made of latent vectors: of one tile of tokens after another, whose keys and values
 * take the place of those of the tile before.
 *
 * @param cache the latent vectors
 * @param form of the attention
 * @param operations receives the operations
 */
record TileRecorder(
        LatentTiles t,
        LatentBuffers l,
        Weights weights,
        LayerCache cache,
        AttentionForm form,
        Consumer<Operation> operations) {
    /**
     * Attention of all rows of a step.
     *
     * @param rows of the step
     * @param count tiles that it is prepared for
     * @param out (n, heads × valueSize)
     */
    void record(RowCount rows, int layer, int count, Buffer out) {
        operations.accept(new Operation.JoinHeads(rows, l.queryPlain, l.queryTurned, form.heads(), t.query));
        boolean first = true;
        for (LatentTiles.Tile tile : t.tiles(count)) {
            for (int piece = 0; piece < t.places.size(); piece++) {
                expand(tile.pieces().get(piece), t.places.get(piece), layer);
            }
            operations.accept(new AttentionOperation.TileAttention(
                    LatentTiles.rows(tile, rows.limit()),
                    tile.seen(),
                    tile.slots(),
                    t.pageTable,
                    t.query,
                    t.pages,
                    form,
                    first,
                    t.sums,
                    out));
            first = false;
        }
    }

    /** Makes the keys and values of some tokens of a tile. */
    private void expand(LatentTiles.Piece piece, Buffer places, int layer) {
        RowCount tokens = new RowCount(piece.count(), t.plan().piece());
        operations.accept(new AttentionOperation.ReadLatent(
                tokens, piece.from(), cache.pageTable(), cache.layer(layer), t.turned, t.latent));
        if (cache.turnsValues()) {
            operations.accept(new Operation.Hadamard(tokens, t.latent, Integer.lowestOneBit(t.latent.width())));
        }
        List<Product> products = List.of(
                new Product(weights.matrix(KEY_UP, layer), null, t.keyPlain),
                new Product(weights.matrix(VALUE_UP, layer), null, t.value));
        boolean quantized =
                products.stream().anyMatch(product -> !product.weight().shape().takesFloats());
        if (quantized) {
            operations.accept(new Operation.Quantize(tokens, t.latent, t.latentQuantized));
        }
        operations.accept(
                new Operation.ExpertMatmul(tokens, l.heads, t.latent, quantized ? t.latentQuantized : null, products));
        operations.accept(new Operation.JoinHeads(tokens, t.keyPlain, t.turned, form.heads(), t.key));
        operations.accept(
                new AttentionOperation.WriteKv(tokens, places, t.zeros, t.pageTable, t.key, t.value, t.pages));
    }
}
