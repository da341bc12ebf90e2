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
        @Nullable ExpertConfig experts) {
    private static final int MOST = 1 << 24;

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
        Keys keys = new Keys(metadata, prefix);
        int width = keys.positive("embedding_length");
        int heads = keys.positive("attention.head_count");
        int kvHeads = metadata.contains(prefix + "attention.head_count_kv")
                ? keys.positive("attention.head_count_kv")
                : heads;
        if (heads % kvHeads != 0) {
            throw keys.invalid("attention.head_count_kv", kvHeads + " does not divide the " + heads + " query heads");
        }
        if (!metadata.contains(prefix + "attention.key_length") && width % heads != 0) {
            throw keys.invalid("attention.head_count", heads + " does not divide the width " + width);
        }
        int keySize = keys.positiveOr("attention.key_length", width / heads);
        ExpertConfig experts = experts(keys);
        return new ModelConfig(
                architecture,
                keys.positive("context_length"),
                width,
                keys.positive("block_count"),
                heads,
                kvHeads,
                keySize,
                keys.positiveOr("attention.value_length", width / heads),
                experts == null ? keys.positive("feed_forward_length") : keys.positiveOr("feed_forward_length", width),
                vocabulary,
                metadata.requireFloat(prefix + "attention.layer_norm_rms_epsilon"),
                RopeConfig.of(metadata, prefix, keySize),
                experts);
    }

    private static @Nullable ExpertConfig experts(Keys keys) {
        if (keys.metadata.intOr(keys.prefix + "expert_count", 0) == 0) {
            return null;
        }
        int count = keys.positive("expert_count");
        int used = keys.positive("expert_used_count");
        if (used > count) {
            throw keys.invalid("expert_used_count", used + " of " + count + " experts");
        }
        int feedForward = keys.metadata.contains(keys.prefix + "expert_feed_forward_length")
                ? keys.positive("expert_feed_forward_length")
                : keys.positive("feed_forward_length");
        return new ExpertConfig(
                count, used, feedForward, keys.metadata.floatOr(keys.prefix + "expert_weights_scale", 1f));
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

    /** The metadata keys of one architecture, checked as they are read. */
    private record Keys(Metadata metadata, String prefix) {
        int positive(String key) {
            int value = metadata.requireInt(prefix + key);
            if (value < 1 || value > MOST) {
                throw invalid(key, value + " is not from 1 to " + MOST);
            }
            return value;
        }

        int positiveOr(String key, int absent) {
            return metadata.contains(prefix + key) ? positive(key) : absent;
        }

        RuntimeException invalid(String key, String message) {
            return metadata.invalid(prefix + key, message);
        }
    }
}
