package dev.nibble.model;

import dev.nibble.gguf.Metadata;
import org.jspecify.annotations.Nullable;

/**
 * The hyperparameters of a model, read from the metadata of its file.
 *
 * @param architecture the family, a row of traits
 * @param contextLength tokens that the model was trained on
 * @param width values of a row of activations
 * @param layers transformer layers
 * @param heads query heads
 * @param kvHeads key and value heads, a divisor of {@code heads}
 * @param keySize values of one head's query and key
 * @param valueSize values of one head's value
 * @param feedForward the inner width of a dense feed-forward layer
 * @param vocabulary tokens
 * @param normEpsilon what norms add to the mean square
 * @param rope rotary position embedding
 * @param experts the expert feed-forward layers; none: all layers are dense
 * @param latent latent attention, with {@code kvHeads} equal to {@code heads}; none: keys and values are cached as they are
 */
public record ModelConfig(
        Architecture architecture,
        int contextLength,
        int width,
        int layers,
        int heads,
        int kvHeads,
        int keySize,
        int valueSize,
        int feedForward,
        int vocabulary,
        float normEpsilon,
        RopeConfig rope,
        @Nullable ExpertConfig experts,
        @Nullable LatentConfig latent) {

    /**
     * Reads the hyperparameters.
     *
     * @param metadata a model file's metadata
     * @param vocabulary rows of the token embedding
     * @throws dev.nibble.UnsupportedFeatureException if the architecture or one of its features is not supported
     * @throws dev.nibble.InvalidModelException if a key is missing or its value makes no sense
     */
    public static ModelConfig of(Metadata metadata, int vocabulary) {
        Architecture architecture = Architecture.ofId(metadata.requireString("general.architecture"));
        String prefix = architecture.id() + ".";
        ModelKeys keys = new ModelKeys(metadata, prefix);
        int width = keys.positive("embedding_length");
        int layers = keys.positive("block_count");
        int heads = keys.positive("attention.head_count");
        int kvHeads = kvHeads(keys, architecture, heads);
        if (!keys.has("attention.key_length") && width % heads != 0) {
            throw keys.invalid("attention.head_count", heads + " does not divide the width " + width);
        }
        boolean latent = architecture.latentAttention();
        int keySize = keys.positiveOr(
                latent && keys.has("attention.key_length_mla") ? "attention.key_length_mla" : "attention.key_length",
                width / heads);
        int valueSize = keys.positiveOr(
                latent && keys.has("attention.value_length_mla")
                        ? "attention.value_length_mla"
                        : "attention.value_length",
                width / heads);
        ExpertConfig experts = ExpertConfig.of(keys, architecture, layers);
        boolean dense = experts == null || experts.denseLayers() > 0;
        return new ModelConfig(
                architecture,
                keys.positive("context_length"),
                width,
                layers,
                heads,
                kvHeads,
                keySize,
                valueSize,
                dense ? keys.positive("feed_forward_length") : keys.positiveOr("feed_forward_length", width),
                vocabulary,
                metadata.requireFloat(prefix + "attention.layer_norm_rms_epsilon"),
                RopeConfig.of(metadata, prefix, keySize, latent),
                experts,
                latent ? LatentConfig.of(keys, keySize) : null);
    }

    /** Latent vectors become keys and values of each head. */
    private static int kvHeads(ModelKeys keys, Architecture architecture, int heads) {
        if (architecture.latentAttention()) {
            return heads;
        }
        int kvHeads = keys.positiveOr("attention.head_count_kv", heads);
        if (heads % kvHeads != 0) {
            throw keys.invalid("attention.head_count_kv", kvHeads + " does not divide the " + heads + " query heads");
        }
        return kvHeads;
    }

    /** These with other numbers of heads and inner columns: those of a part of each layer. */
    ModelConfig withParts(int partHeads, int partKvHeads, int partFeedForward, @Nullable ExpertConfig partExperts) {
        return new ModelConfig(
                architecture,
                contextLength,
                width,
                layers,
                partHeads,
                partKvHeads,
                keySize,
                valueSize,
                partFeedForward,
                vocabulary,
                normEpsilon,
                rope,
                partExperts,
                latent);
    }

    /** Whether a layer's feed-forward part is dense. */
    public boolean isDense(int layer) {
        return experts == null || layer < experts.denseLayers();
    }

    /** Whether a layer has a dense feed-forward part. */
    public boolean hasDenseLayers() {
        return isDense(0);
    }

    /** Values of all query heads of a token. */
    public int queryWidth() {
        return heads * keySize;
    }

    /** Values of all attention outputs of a token. */
    public int attentionWidth() {
        return heads * valueSize;
    }

    /** Values of all key heads of a token. */
    public int keyWidth() {
        return kvHeads * keySize;
    }

    /** Values of all value heads of a token. */
    public int valueWidth() {
        return kvHeads * valueSize;
    }
}
