package dev.nibble.model;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.gguf.TensorType;
import java.util.Optional;
import java.util.function.Function;

/**
 * The tensors of latent attention as the forward pass takes them, made of those that files have: rows of plain and of turned values
 * apart, and a matrix for each head. A file has the matrices of all heads in {@code attn_kv_b}, those of keys not yet turned round, or
 * each kind in a tensor of its own.
 */
final class LatentTensors {
    private final ModelConfig config;
    private final Finder finder;
    private final Function<String, RuntimeException> missing;

    /** Looks a file's tensor up. */
    interface Finder {
        /** The tensor of this name, checked against a shape; empty if there is none. */
        Optional<WeightSource> find(String name, TensorRole.Shape shape, int matrices);
    }

    /** @param missing what a missing tensor ends in, by its name */
    LatentTensors(ModelConfig config, Finder finder, Function<String, RuntimeException> missing) {
        this.config = config;
        this.finder = finder;
        this.missing = missing;
    }

    /** Whether it makes the tensors of a role. */
    static boolean has(TensorRole role) {
        return switch (role) {
            case QUERY_PLAIN, QUERY_TURNED, LATENT, KEY_TURNED, QUERY_TO_LATENT, KEY_UP, VALUE_UP -> true;
            default -> false;
        };
    }

    /** The tensor of a role that this makes. */
    WeightSource tensor(TensorRole role, int layer) {
        LatentConfig latent = latent();
        WeightShape form = form(role, layer);
        int query = latent.plain() + latent.turned();
        return switch (role) {
            case QUERY_PLAIN -> new RowParts(form, queries(layer), new RowParts.Run(0, latent.plain(), query));
            case QUERY_TURNED ->
                new RowParts(form, queries(layer), new RowParts.Run(latent.plain(), latent.turned(), query));
            case LATENT -> new RowParts(form, keys(layer), new RowParts.Run(0, latent.rank(), keyRows()));
            case KEY_TURNED ->
                new RowParts(form, keys(layer), new RowParts.Run(latent.rank(), latent.turned(), keyRows()));
            case QUERY_TO_LATENT -> queryToLatent(layer);
            case KEY_UP -> keyUp(layer);
            case VALUE_UP -> valueUp(layer);
            default -> throw new IllegalArgumentException(role + " is no tensor of latent attention");
        };
    }

    private LatentConfig latent() {
        LatentConfig latent = config.latent();
        if (latent == null) {
            throw new IllegalStateException("the model has no latent attention");
        }
        return latent;
    }

    /** Rows that make the latent vector and the turned part of keys. */
    private int keyRows() {
        return latent().rank() + latent().turned();
    }

    /** What a role's tensor is to look like; its type is that of what it is made of. */
    private WeightShape form(TensorRole role, int layer) {
        TensorRole.Shape shape = role.shape(config);
        return new WeightShape(
                role.tensorName(layer), TensorType.F32, role.matrices(config), shape.rows(), shape.columns());
    }

    private WeightSource queries(int layer) {
        int columns = TensorRole.QUERY_PLAIN.shape(config).columns();
        return required(
                "blk." + layer + (latent().queryRank() > 0 ? ".attn_q_b.weight" : ".attn_q.weight"),
                new TensorRole.Shape(config.queryWidth(), columns));
    }

    private WeightSource keys(int layer) {
        return required("blk." + layer + ".attn_kv_a_mqa.weight", new TensorRole.Shape(keyRows(), config.width()));
    }

    private WeightSource queryToLatent(int layer) {
        TensorRole role = TensorRole.QUERY_TO_LATENT;
        return finder.find(role.tensorName(layer), role.shape(config), config.heads())
                .orElseGet(() ->
                        new TurnedHeads(form(role, layer), together(layer), latent().plain() + config.valueSize()));
    }

    /** Those that a file has turned round are turned back. */
    private WeightSource keyUp(int layer) {
        TensorRole other = TensorRole.QUERY_TO_LATENT;
        WeightShape form = form(TensorRole.KEY_UP, layer);
        int plain = latent().plain();
        return finder.find(other.tensorName(layer), other.shape(config), config.heads())
                .<WeightSource>map(turned -> new TurnedHeads(form, turned, latent().rank()))
                .orElseGet(() ->
                        new RowParts(form, together(layer), new RowParts.Run(0, plain, plain + config.valueSize())));
    }

    private WeightSource valueUp(int layer) {
        TensorRole role = TensorRole.VALUE_UP;
        int plain = latent().plain();
        int values = config.valueSize();
        return finder.find(role.tensorName(layer), role.shape(config), config.heads())
                .orElseGet(() -> new RowParts(
                        form(role, layer), together(layer), new RowParts.Run(plain, values, plain + values)));
    }

    /** For each head the rows that make plain keys of latent vectors, then those that make values. */
    private WeightSource together(int layer) {
        int rows = config.heads() * (latent().plain() + config.valueSize());
        return required("blk." + layer + ".attn_kv_b.weight", new TensorRole.Shape(rows, latent().rank()));
    }

    private WeightSource required(String name, TensorRole.Shape shape) {
        return finder.find(name, shape, 1).orElseThrow(() -> missing.apply(name));
    }
}
