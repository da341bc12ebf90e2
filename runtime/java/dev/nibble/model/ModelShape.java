package dev.nibble.model;

import dev.nibble.gguf.Metadata;
import java.util.Arrays;
import java.util.stream.Collectors;

/** The exact shapes of public models, one row each, as their configuration files give them. */
enum ModelShape {
    LLAMA_3_2_1B("llama-3.2-1b", "llama", 16, 2048, 32, 8, 64, 8192, 128256, true, 131072, 500000f, 0, 0, 0),
    LLAMA_3_2_3B("llama-3.2-3b", "llama", 28, 3072, 24, 8, 128, 8192, 128256, true, 131072, 500000f, 0, 0, 0),
    LLAMA_3_1_8B("llama-3.1-8b", "llama", 32, 4096, 32, 8, 128, 14336, 128256, false, 131072, 500000f, 0, 0, 0),
    LLAMA_3_3_70B("llama-3.3-70b", "llama", 80, 8192, 64, 8, 128, 28672, 128256, false, 131072, 500000f, 0, 0, 0),
    MISTRAL_7B("mistral-7b", "llama", 32, 4096, 32, 8, 128, 14336, 32768, false, 32768, 1000000f, 0, 0, 0),
    MIXTRAL_8X7B("mixtral-8x7b", "llama", 32, 4096, 32, 8, 128, 14336, 32000, false, 32768, 1000000f, 8, 2, 14336),
    QWEN2_5_0_5B("qwen2.5-0.5b", "qwen2", 24, 896, 14, 2, 64, 4864, 151936, true, 32768, 1000000f, 0, 0, 0),
    QWEN2_5_7B("qwen2.5-7b", "qwen2", 28, 3584, 28, 4, 128, 18944, 152064, false, 131072, 1000000f, 0, 0, 0),
    QWEN3_0_6B("qwen3-0.6b", "qwen3", 28, 1024, 16, 8, 128, 3072, 151936, true, 40960, 1000000f, 0, 0, 0),
    QWEN3_8B("qwen3-8b", "qwen3", 36, 4096, 32, 8, 128, 12288, 151936, false, 40960, 1000000f, 0, 0, 0),
    QWEN3_30B_A3B("qwen3-30b-a3b", "qwen3moe", 48, 2048, 32, 4, 128, 6144, 151936, false, 40960, 1000000f, 128, 8, 768),
    QWEN1_5_MOE_A2_7B(
            "qwen1.5-moe-a2.7b", "qwen2moe", 24, 2048, 16, 16, 128, 5632, 151936, false, 8192, 1000000f, 60, 4, 1408) {
        @Override
        Metadata.Builder more(Metadata.Builder metadata) {
            return metadata.uint32("qwen2moe.expert_shared_feed_forward_length", 5632);
        }
    },
    DEEPSEEK_V2_LITE(
            "deepseek-v2-lite", "deepseek2", 27, 2048, 16, 1, 192, 10944, 102400, false, 163840, 10000f, 64, 6, 1408) {
        @Override
        Metadata.Builder more(Metadata.Builder metadata) {
            return latent(metadata, 2, 1, 0.0707f)
                    .float32("deepseek2.expert_weights_scale", 1f)
                    .uint32("deepseek2.expert_gating_func", 1);
        }
    },
    DEEPSEEK_R1("deepseek-r1", "deepseek2", 61, 7168, 128, 1, 192, 18432, 129280, false, 163840, 10000f, 256, 8, 2048) {
        @Override
        Metadata.Builder more(Metadata.Builder metadata) {
            return latent(metadata, 1, 3, 0.1f)
                    .uint32("deepseek2.attention.q_lora_rank", 1536)
                    .float32("deepseek2.expert_weights_scale", 2.5f)
                    .bool("deepseek2.expert_weights_norm", true)
                    .uint32("deepseek2.expert_gating_func", SIGMOID)
                    .uint32("deepseek2.expert_group_count", 8)
                    .uint32("deepseek2.expert_group_used_count", 4);
        }

        @Override
        boolean hasSelectionBias() {
            return true;
        }
    };

    private static final int SIGMOID = 2;

    /** Values of a head that latent attention turns. */
    private static final int TURNED = 64;

    private final String id;
    private final String architecture;
    private final int layers;
    private final int width;
    private final int heads;
    private final int kvHeads;
    private final int headSize;
    private final int feedForward;
    private final int vocabulary;
    private final boolean tied;
    private final int context;
    private final float ropeBase;
    private final int experts;
    private final int expertsUsed;
    private final int expertFeedForward;

    ModelShape(
            String id,
            String architecture,
            int layers,
            int width,
            int heads,
            int kvHeads,
            int headSize,
            int feedForward,
            int vocabulary,
            boolean tied,
            int context,
            float ropeBase,
            int experts,
            int expertsUsed,
            int expertFeedForward) {
        this.id = id;
        this.architecture = architecture;
        this.layers = layers;
        this.width = width;
        this.heads = heads;
        this.kvHeads = kvHeads;
        this.headSize = headSize;
        this.feedForward = feedForward;
        this.vocabulary = vocabulary;
        this.tied = tied;
        this.context = context;
        this.ropeBase = ropeBase;
        this.experts = experts;
        this.expertsUsed = expertsUsed;
        this.expertFeedForward = expertFeedForward;
    }

    /** The shape of this name, e.g. {@code llama-3.2-1b}. */
    static ModelShape ofId(String id) {
        return Arrays.stream(values())
                .filter(shape -> shape.id().equals(id))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no model shape '" + id + "'; there are "
                        + Arrays.stream(values()).map(ModelShape::id).collect(Collectors.joining(", "))));
    }

    /** The name by which it is asked for. */
    String id() {
        return id;
    }

    /** Transformer layers. */
    int layers() {
        return layers;
    }

    /** Whether the scores by which experts are chosen have a bias. */
    boolean hasSelectionBias() {
        return false;
    }

    /** Adds what is the family's own. */
    Metadata.Builder more(Metadata.Builder metadata) {
        return metadata;
    }

    /** What the latent attention and the experts of the DeepSeek models have in common. */
    private static Metadata.Builder latent(
            Metadata.Builder metadata, int sharedExperts, int denseLayers, float logMultiplier) {
        return metadata.uint32("deepseek2.attention.kv_lora_rank", 512)
                .uint32("deepseek2.attention.value_length_mla", 128)
                .uint32("deepseek2.attention.key_length_mla", 192)
                .uint32("deepseek2.leading_dense_block_count", denseLayers)
                .uint32("deepseek2.expert_shared_count", sharedExperts)
                .string("deepseek2.rope.scaling.type", "yarn")
                .float32("deepseek2.rope.scaling.factor", 40f)
                .uint32("deepseek2.rope.scaling.original_context_length", 4096)
                .float32("deepseek2.rope.scaling.yarn_log_multiplier", logMultiplier);
    }

    /** Whether the token embedding is the output matrix as well. */
    boolean tied() {
        return tied;
    }

    /** Rows of the token embedding. */
    int vocabulary() {
        return vocabulary;
    }

    /**
     * The metadata that a file of this model has, as far as the forward pass needs them.
     *
     * @param layerCount layers of the model, or fewer
     */
    Metadata metadata(int layerCount) {
        String prefix = architecture + ".";
        Metadata.Builder metadata = Metadata.builder()
                .string("general.architecture", architecture)
                .string("general.name", layerCount == layers ? id() : id() + "/" + layerCount)
                .uint32(prefix + "context_length", context)
                .uint32(prefix + "embedding_length", width)
                .uint32(prefix + "block_count", layerCount)
                .uint32(prefix + "feed_forward_length", feedForward)
                .uint32(prefix + "attention.head_count", heads)
                .uint32(prefix + "attention.head_count_kv", kvHeads)
                .uint32(prefix + "attention.key_length", headSize)
                .uint32(prefix + "attention.value_length", headSize)
                .uint32(prefix + "rope.dimension_count", architecture.equals("deepseek2") ? TURNED : headSize)
                .float32(prefix + "rope.freq_base", ropeBase)
                .float32(prefix + "attention.layer_norm_rms_epsilon", 1e-5f);
        if (experts > 0) {
            metadata.uint32(prefix + "expert_count", experts)
                    .uint32(prefix + "expert_used_count", expertsUsed)
                    .uint32(prefix + "expert_feed_forward_length", expertFeedForward);
        }
        return more(metadata).build();
    }
}
