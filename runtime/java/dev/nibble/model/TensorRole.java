package dev.nibble.model;

import java.util.function.Function;
import java.util.function.Predicate;

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
    QUERY("blk.%d.attn_q.weight", Kind.MATRIX, Rules.ALWAYS, c -> new Shape(c.queryWidth(), c.width())),
    /** (kvHeads × keySize, width). */
    KEY("blk.%d.attn_k.weight", Kind.MATRIX, Rules.ALWAYS, c -> new Shape(c.keyWidth(), c.width())),
    /** (kvHeads × valueSize, width). */
    VALUE("blk.%d.attn_v.weight", Kind.MATRIX, Rules.ALWAYS, c -> new Shape(c.valueWidth(), c.width())),
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
            c -> new Shape(c.width(), Rules.experts(c).feedForward()));

    /** What a tensor is used as. */
    public enum Kind {
        /** Rows are looked up. */
        TABLE,
        /** Rows of activations are multiplied by it. */
        MATRIX,
        /** A matrix for each expert. */
        EXPERTS,
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
    private final Predicate<ModelConfig> required;
    private final Function<ModelConfig, Shape> shape;

    TensorRole(String pattern, Kind kind, Predicate<ModelConfig> required, Function<ModelConfig, Shape> shape) {
        this.pattern = pattern;
        this.kind = kind;
        this.required = required;
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

    /** Whether a model of this configuration must have it. */
    public boolean required(ModelConfig config) {
        return required.test(config);
    }

    /** Whether a model of this configuration may have it: expert models have no dense feed-forward, and the reverse. */
    public boolean possible(ModelConfig config) {
        return switch (this) {
            case GATE, UP, DOWN, ROUTER, EXPERT_GATE, EXPERT_UP, EXPERT_DOWN, QUERY_NORM, KEY_NORM -> required(config);
            default -> true;
        };
    }

    /** The shape that it must have in a model of this configuration. */
    public Shape shape(ModelConfig config) {
        return shape.apply(config);
    }

    /** The number of matrices. */
    public int matrices(ModelConfig config) {
        return kind == Kind.EXPERTS ? Rules.experts(config).count() : 1;
    }

    /** When a tensor must be there. */
    private static final class Rules {
        static final Predicate<ModelConfig> ALWAYS = config -> true;
        static final Predicate<ModelConfig> NEVER = config -> false;
        static final Predicate<ModelConfig> BIASED =
                config -> config.architecture().attentionBias();
        static final Predicate<ModelConfig> HEAD_NORM =
                config -> config.architecture().headNorm();
        static final Predicate<ModelConfig> DENSE = config -> config.experts() == null;
        static final Predicate<ModelConfig> EXPERTS = config -> config.experts() != null;

        static ExpertConfig experts(ModelConfig config) {
            ExpertConfig experts = config.experts();
            if (experts == null) {
                throw new IllegalStateException("a dense model has no expert tensors");
            }
            return experts;
        }
    }
}
