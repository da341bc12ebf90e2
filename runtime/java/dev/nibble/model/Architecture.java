package dev.nibble.model;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Activation;
import dev.nibble.device.Gating;
import dev.nibble.device.NormKind;
import dev.nibble.device.RopeStyle;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * The transformer families that the forward pass knows, as rows of traits. A new plain transformer is a new row.
 *
 * <p>Source of the traits: the models' own publications and the tensor lists of their GGUF files.
 */
public enum Architecture {
    /** Llama 1 to 3, Mistral and their expert form Mixtral. */
    LLAMA("llama", RopeStyle.INTERLEAVED, false, false),
    /** Qwen 1.5 to 2.5: biases on q, k and v. */
    QWEN2("qwen2", RopeStyle.HALVES, true, false),
    /** Qwen 3: a norm on each query and key head. */
    QWEN3("qwen3", RopeStyle.HALVES, false, true),
    /** Qwen 3 with expert feed-forward layers. */
    QWEN3MOE("qwen3moe", RopeStyle.HALVES, false, true);

    private final String id;
    private final RopeStyle ropeStyle;
    private final boolean attentionBias;
    private final boolean headNorm;

    Architecture(String id, RopeStyle ropeStyle, boolean attentionBias, boolean headNorm) {
        this.id = id;
        this.ropeStyle = ropeStyle;
        this.attentionBias = attentionBias;
        this.headNorm = headNorm;
    }

    /**
     * The architecture of this name in {@code general.architecture}.
     *
     * @throws UnsupportedFeatureException if there is no row for it
     */
    public static Architecture ofId(String id) {
        return Arrays.stream(values())
                .filter(row -> row.id.equals(id))
                .findFirst()
                .orElseThrow(() -> new UnsupportedFeatureException("the architecture '" + id
                        + "' is not supported; supported are "
                        + Arrays.stream(values()).map(row -> row.id).collect(Collectors.joining(", "))));
    }

    /** The name in {@code general.architecture}, and the prefix of the model's metadata keys. */
    public String id() {
        return id;
    }

    /** Which values of a head rotary embedding pairs. */
    public RopeStyle ropeStyle() {
        return ropeStyle;
    }

    /** Whether q, k and v must have biases; other architectures may have them. */
    public boolean attentionBias() {
        return attentionBias;
    }

    /** Whether each query and key head is normalised before rotary embedding. */
    public boolean headNorm() {
        return headNorm;
    }

    /** The norm before each layer half and before the output. */
    public NormKind norm() {
        return NormKind.RMS;
    }

    /** The gate's function. */
    public Activation activation() {
        return Activation.SILU;
    }

    /** How router logits become probabilities. */
    public Gating.Function gating() {
        return Gating.Function.SOFTMAX;
    }
}
