package dev.nibble.model;

import java.util.function.BiPredicate;
import java.util.function.Function;

/**
 * The tensors of a model, one row per role: its name in a GGUF file ({@code %d} is the layer), what it is used as, when it
 * must or may be there, and its shape (rows, columns), which experts have once each.
 */
public enum TensorRole {
    /** (vocabulary, width). */
    TOKEN_EMBEDDING("token_embd.weight", Kind.TABLE, Rules.ALWAYS, c -> new Shape(c.vocabulary(), c.width())),
    /** (vocabulary, width); absent: the token embedding serves as well. */
    OUTPUT("output.weight", Kind.MATRIX, Rules.NEVER, c -> new Shape(c.vocabulary(), c.width())),
    /** (1, width). */
    OUTPUT_NORM("output_norm.weight", Kind.VECTOR, Rules.ALWAYS, c -> new Shape(1, c.width())),
    /** (1, rotated / 2): divisors of the rotary frequencies. */
    ROPE_FACTORS(
            "rope_freqs.weight",
            Kind.VECTOR,
            Rules.NEVER,
            c -> new Shape(1, c.rope().dimensions() / 2)),
    /** (1, width). */
    ATTENTION_NORM("blk.%d.attn_norm.weight", Kind.VECTOR, Rules.ALWAYS, c -> new Shape(1, c.width())),
    /** (heads × keySize, width). */
    QUERY("blk.%d.attn_q.weight", Kind.MATRIX, Rules.WHOLE_KEYS, c -> new Shape(c.queryWidth(), c.width())),
    /** (kvHeads × keySize, width). */
    KEY("blk.%d.attn_k.weight", Kind.MATRIX, Rules.WHOLE_KEYS, c -> new Shape(c.keyWidth(), c.width())),
    /** (kvHeads × valueSize, width). */
    VALUE("blk.%d.attn_v.weight", Kind.MATRIX, Rules.WHOLE_KEYS, c -> new Shape(c.valueWidth(), c.width())),
    /** (1, heads × keySize). */
    QUERY_BIAS("blk.%d.attn_q.bias", Kind.VECTOR, Rules.BIASED, c -> new Shape(1, c.queryWidth())),
    /** (1, kvHeads × keySize). */
    KEY_BIAS("blk.%d.attn_k.bias", Kind.VECTOR, Rules.BIASED, c -> new Shape(1, c.keyWidth())),
    /** (1, kvHeads × valueSize). */
    VALUE_BIAS("blk.%d.attn_v.bias", Kind.VECTOR, Rules.BIASED, c -> new Shape(1, c.valueWidth())),
    /** (1, keySize), shared by all query heads. */
    QUERY_NORM("blk.%d.attn_q_norm.weight", Kind.VECTOR, Rules.HEAD_NORM, c -> new Shape(1, c.keySize())),
    /** (1, keySize), shared by all key heads. */
    KEY_NORM("blk.%d.attn_k_norm.weight", Kind.VECTOR, Rules.HEAD_NORM, c -> new Shape(1, c.keySize())),
    /** (queryRank, width), of latent attention: what queries are made of. */
    QUERY_DOWN(
            "blk.%d.attn_q_a.weight",
            Kind.MATRIX, Rules.LATENT_QUERIES, c -> new Shape(Rules.latent(c).queryRank(), c.width())),
    /** (1, queryRank). */
    QUERY_DOWN_NORM(
            "blk.%d.attn_q_a_norm.weight",
            Kind.VECTOR, Rules.LATENT_QUERIES, c -> new Shape(1, Rules.latent(c).queryRank())),
    /** (heads × plain, queryRank or width): the plain parts of queries, rows of {@code attn_q_b} or {@code attn_q}. */
    QUERY_PLAIN(
            "blk.%d.attn_q_b.plain.weight",
            Kind.MATRIX,
            Rules.LATENT,
            c -> new Shape(c.heads() * Rules.latent(c).plain(), Rules.queryInput(c))),
    /** (heads × turned, queryRank or width): the turned parts of queries, the other rows. */
    QUERY_TURNED(
            "blk.%d.attn_q_b.turned.weight",
            Kind.MATRIX,
            Rules.LATENT,
            c -> new Shape(c.heads() * Rules.latent(c).turned(), Rules.queryInput(c))),
    /** (rank, width): the latent vector, the first rows of {@code attn_kv_a_mqa}. */
    LATENT(
            "blk.%d.attn_kv_a_mqa.latent.weight",
            Kind.MATRIX, Rules.LATENT, c -> new Shape(Rules.latent(c).rank(), c.width())),
    /** (turned, width): the turned part of all heads' keys, the last rows of {@code attn_kv_a_mqa}. */
    KEY_TURNED(
            "blk.%d.attn_kv_a_mqa.turned.weight",
            Kind.MATRIX, Rules.LATENT, c -> new Shape(Rules.latent(c).turned(), c.width())),
    /** (1, rank). */
    LATENT_NORM(
            "blk.%d.attn_kv_a_norm.weight",
            Kind.VECTOR, Rules.LATENT, c -> new Shape(1, Rules.latent(c).rank())),
    /** (heads) × (rank, plain): takes the plain part of a query to the space of latent vectors. */
    QUERY_TO_LATENT(
            "blk.%d.attn_k_b.weight",
            Kind.HEADS,
            Rules.LATENT,
            c -> new Shape(Rules.latent(c).rank(), Rules.latent(c).plain())),
    /** (heads) × (valueSize, rank): takes a latent vector to a head's value. */
    VALUE_UP(
            "blk.%d.attn_v_b.weight",
            Kind.HEADS,
            Rules.LATENT,
            c -> new Shape(c.valueSize(), Rules.latent(c).rank())),
    /**
     * (heads) × (plain, rank): takes a latent vector to the plain part of a head's key. The same numbers as in {@link #QUERY_TO_LATENT},
     * turned round, for prompts whose keys are worth making.
     */
    KEY_UP(
            "blk.%d.attn_k_b.up.weight",
            Kind.HEADS,
            Rules.LATENT,
            c -> new Shape(Rules.latent(c).plain(), Rules.latent(c).rank())),
    /** (width, heads × valueSize). */
    ATTENTION_OUTPUT(
            "blk.%d.attn_output.weight", Kind.MATRIX, Rules.ALWAYS, c -> new Shape(c.width(), c.attentionWidth())),
    /** (1, width). */
    ATTENTION_OUTPUT_BIAS("blk.%d.attn_output.bias", Kind.VECTOR, Rules.NEVER, c -> new Shape(1, c.width())),
    /** (1, width). */
    FEED_FORWARD_NORM("blk.%d.ffn_norm.weight", Kind.VECTOR, Rules.ALWAYS, c -> new Shape(1, c.width())),
    /** (feedForward, width). */
    GATE("blk.%d.ffn_gate.weight", Kind.MATRIX, Rules.DENSE, c -> new Shape(c.feedForward(), c.width())),
    /** (feedForward, width). */
    UP("blk.%d.ffn_up.weight", Kind.MATRIX, Rules.DENSE, c -> new Shape(c.feedForward(), c.width())),
    /** (width, feedForward). */
    DOWN("blk.%d.ffn_down.weight", Kind.MATRIX, Rules.DENSE, c -> new Shape(c.width(), c.feedForward())),
    /** (experts, width). */
    ROUTER(
            "blk.%d.ffn_gate_inp.weight",
            Kind.MATRIX, Rules.EXPERTS, c -> new Shape(Rules.experts(c).count(), c.width())),
    /** (experts) × (expert feedForward, width). */
    EXPERT_GATE(
            "blk.%d.ffn_gate_exps.weight",
            Kind.EXPERTS, Rules.EXPERTS, c -> new Shape(Rules.experts(c).feedForward(), c.width())),
    /** (experts) × (expert feedForward, width). */
    EXPERT_UP(
            "blk.%d.ffn_up_exps.weight",
            Kind.EXPERTS, Rules.EXPERTS, c -> new Shape(Rules.experts(c).feedForward(), c.width())),
    /** (experts) × (width, expert feedForward). */
    EXPERT_DOWN(
            "blk.%d.ffn_down_exps.weight",
            Kind.EXPERTS,
            Rules.EXPERTS,
            c -> new Shape(c.width(), Rules.experts(c).feedForward())),
    /** (1, experts): what is added to the scores by which experts are chosen. */
    SELECTION_BIAS(
            "blk.%d.exp_probs_b.bias",
            Kind.VECTOR, Rules.EXPERTS, c -> new Shape(1, Rules.experts(c).count())),
    /** (shared, width). */
    SHARED_GATE(
            "blk.%d.ffn_gate_shexp.weight",
            Kind.MATRIX, Rules.SHARED, c -> new Shape(Rules.experts(c).shared(), c.width())),
    /** (shared, width). */
    SHARED_UP(
            "blk.%d.ffn_up_shexp.weight",
            Kind.MATRIX, Rules.SHARED, c -> new Shape(Rules.experts(c).shared(), c.width())),
    /** (width, shared). */
    SHARED_DOWN(
            "blk.%d.ffn_down_shexp.weight",
            Kind.MATRIX,
            Rules.SHARED,
            c -> new Shape(c.width(), Rules.experts(c).shared())),
    /** (1, width): how much of what the shared experts add is taken. */
    SHARED_ROUTER("blk.%d.ffn_gate_inp_shexp.weight", Kind.MATRIX, Rules.GATED_SHARE, c -> new Shape(1, c.width()));

    /** What a tensor is used as. */
    public enum Kind {
        /** Rows are looked up. */
        TABLE,
        /** Rows of activations are multiplied by it. */
        MATRIX,
        /** A matrix for each expert. */
        EXPERTS,
        /** A matrix for each head, each for a part of a row of activations. */
        HEADS,
        /** A small row of floats: a norm's weight, a bias. */
        VECTOR
    }

    /**
     * The shape of one matrix.
     *
     * @param rows values that come out
     * @param columns values that go in
     */
    public record Shape(int rows, int columns) {}

    private final String pattern;
    private final Kind kind;
    private final BiPredicate<ModelConfig, Integer> rule;
    private final Function<ModelConfig, Shape> shape;

    TensorRole(String pattern, Kind kind, BiPredicate<ModelConfig, Integer> rule, Function<ModelConfig, Shape> shape) {
        this.pattern = pattern;
        this.kind = kind;
        this.rule = rule;
        this.shape = shape;
    }

    /** The tensor's name in a file; the layer does not matter to roles that are not {@link #perLayer}. */
    public String tensorName(int layer) {
        return perLayer() ? pattern.formatted(layer) : pattern;
    }

    /** Whether each layer has one. */
    public boolean perLayer() {
        return pattern.startsWith("blk.");
    }

    /** Whether it is used after all layers. */
    public boolean atEnd() {
        return this == OUTPUT || this == OUTPUT_NORM;
    }

    /** What it is used as. */
    public Kind kind() {
        return kind;
    }

    /** Whether a layer of a model of this configuration must have it. */
    public boolean required(ModelConfig config, int layer) {
        return this != SELECTION_BIAS && rule.test(config, layer);
    }

    /**
     * Whether a layer of a model of this configuration may have it: layers with experts have no dense feed-forward part, and the
     * reverse, and latent attention has no whole keys and values.
     */
    public boolean possible(ModelConfig config, int layer) {
        return switch (this) {
            case TOKEN_EMBEDDING,
                    OUTPUT,
                    OUTPUT_NORM,
                    ROPE_FACTORS,
                    ATTENTION_NORM,
                    ATTENTION_OUTPUT,
                    ATTENTION_OUTPUT_BIAS,
                    FEED_FORWARD_NORM -> true;
            case QUERY_BIAS, KEY_BIAS, VALUE_BIAS -> config.latent() == null;
            default -> rule.test(config, layer);
        };
    }

    /** The shape that it must have in a model of this configuration. */
    public Shape shape(ModelConfig config) {
        return shape.apply(config);
    }

    /** The number of matrices. */
    public int matrices(ModelConfig config) {
        return switch (kind) {
            case EXPERTS -> Rules.experts(config).count();
            case HEADS -> config.heads();
            case TABLE, MATRIX, VECTOR -> 1;
        };
    }

    /** When a layer has a tensor, and the numbers that only some models have. */
    private static final class Rules {
        static final BiPredicate<ModelConfig, Integer> ALWAYS = (config, layer) -> true;
        static final BiPredicate<ModelConfig, Integer> NEVER = (config, layer) -> false;
        static final BiPredicate<ModelConfig, Integer> BIASED =
                (config, layer) -> config.architecture().attentionBias();
        static final BiPredicate<ModelConfig, Integer> HEAD_NORM =
                (config, layer) -> config.architecture().headNorm();
        static final BiPredicate<ModelConfig, Integer> DENSE = ModelConfig::isDense;
        static final BiPredicate<ModelConfig, Integer> EXPERTS = (config, layer) -> !config.isDense(layer);
        static final BiPredicate<ModelConfig, Integer> SHARED =
                (config, layer) -> !config.isDense(layer) && experts(config).shared() > 0;
        static final BiPredicate<ModelConfig, Integer> GATED_SHARE =
                (config, layer) -> !config.isDense(layer) && experts(config).sharedGate();
        static final BiPredicate<ModelConfig, Integer> WHOLE_KEYS = (config, layer) -> config.latent() == null;
        static final BiPredicate<ModelConfig, Integer> LATENT = (config, layer) -> config.latent() != null;
        static final BiPredicate<ModelConfig, Integer> LATENT_QUERIES =
                (config, layer) -> config.latent() != null && config.latent().queryRank() > 0;

        static ExpertConfig experts(ModelConfig config) {
            ExpertConfig experts = config.experts();
            if (experts == null) {
                throw new IllegalStateException("a dense model has no expert tensors");
            }
            return experts;
        }

        static LatentConfig latent(ModelConfig config) {
            LatentConfig latent = config.latent();
            if (latent == null) {
                throw new IllegalStateException("a model with whole keys has no tensors of latent attention");
            }
            return latent;
        }

        /** Values of what queries are made of. */
        static int queryInput(ModelConfig config) {
            int rank = latent(config).queryRank();
            return rank > 0 ? rank : config.width();
        }
    }
}
