package dev.nibble.model;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Activation;
import dev.nibble.device.Gating;
import dev.nibble.device.NormKind;
import dev.nibble.device.RopeStyle;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The transformer families that the forward pass knows, as rows of traits. A new plain transformer is a new row.
 *
 * <p>Source of the traits: the models' own publications and the tensor lists of their GGUF files.
 */
public enum Architecture {
    /** Llama 1 to 3, Mistral and their expert form Mixtral. */
    LLAMA("llama", RopeStyle.INTERLEAVED, Trait.NORMALIZED_EXPERTS),
    /** Qwen 1.5 to 2.5: biases on q, k and v. */
    QWEN2("qwen2", RopeStyle.HALVES, Trait.ATTENTION_BIAS),
    /** Qwen 1.5 and 2 with experts: one that every token uses has a gate of its own. */
    QWEN2MOE("qwen2moe", RopeStyle.HALVES, Trait.ATTENTION_BIAS, Trait.SHARED_GATE),
    /** Qwen 3: a norm on each query and key head. */
    QWEN3("qwen3", RopeStyle.HALVES, Trait.HEAD_NORM),
    /** Qwen 3 with expert feed-forward layers. */
    QWEN3MOE("qwen3moe", RopeStyle.HALVES, Trait.HEAD_NORM, Trait.NORMALIZED_EXPERTS),
    /** DeepSeek V2 to V3 and R1: latent attention, experts beside shared ones. */
    DEEPSEEK2("deepseek2", RopeStyle.INTERLEAVED, Trait.LATENT_ATTENTION);

    /** What is not the same in all families. */
    private enum Trait {
        ATTENTION_BIAS,
        HEAD_NORM,
        NORMALIZED_EXPERTS,
        SHARED_GATE,
        LATENT_ATTENTION
    }

    private final String id;
    private final RopeStyle ropeStyle;
    private final Set<Trait> traits;

    Architecture(String id, RopeStyle ropeStyle, Trait... traits) {
        this.id = id;
        this.ropeStyle = ropeStyle;
        this.traits = Set.of(traits);
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
        return traits.contains(Trait.ATTENTION_BIAS);
    }

    /** Whether each query and key head is normalised before rotary embedding. */
    public boolean headNorm() {
        return traits.contains(Trait.HEAD_NORM);
    }

    /** Whether keys and values are made of latent vectors: {@link LatentConfig}. */
    public boolean latentAttention() {
        return traits.contains(Trait.LATENT_ATTENTION);
    }

    /** The norm before each layer half and before the output. */
    public NormKind norm() {
        return NormKind.RMS;
    }

    /** The gate's function. */
    public Activation activation() {
        return Activation.SILU;
    }

    /** How router logits become probabilities, where the file does not say it. */
    public Gating.Function gating() {
        return Gating.Function.SOFTMAX;
    }

    /** Whether the weights of chosen experts are divided by their sum, where the file does not say it. */
    public boolean normalizesExperts() {
        return traits.contains(Trait.NORMALIZED_EXPERTS);
    }

    /** Whether what the shared experts add is gated by the token. */
    public boolean sharedGate() {
        return traits.contains(Trait.SHARED_GATE);
    }
}
