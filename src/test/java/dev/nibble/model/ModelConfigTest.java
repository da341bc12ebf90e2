package dev.nibble.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.InvalidModelException;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Gating;
import dev.nibble.gguf.Metadata;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {
    private static final Metadata LLAMA = ModelShape.ofId("llama-3.2-1b").metadata(16);

    @Test
    void readsADenseModel() {
        ModelConfig config = ModelConfig.of(LLAMA, 128256);
        assertEquals(Architecture.LLAMA, config.architecture());
        assertEquals(2048, config.queryWidth());
        assertEquals(512, config.keyWidth());
        assertEquals(64, config.rope().dimensions());
        assertNull(config.experts());
    }

    @Test
    void readsAnExpertModel() {
        ModelConfig config = ModelConfig.of(ModelShape.ofId("qwen3-30b-a3b").metadata(48), 151936);
        assertNotNull(config.experts());
        Gating gating = new Gating(Gating.Function.SOFTMAX, 8, true, 1f);
        assertEquals(new ExpertConfig(128, 768, gating, 0, false, 0), config.experts());
    }

    @Test
    void readsLatentAttentionAndGroupsOfExperts() {
        ModelConfig config = ModelConfig.of(ModelShape.ofId("deepseek-r1").metadata(61), 129280);
        assertEquals(new LatentConfig(1536, 512, 128, 64), config.latent());
        assertEquals(128, config.valueSize());
        Gating gating = new Gating(Gating.Function.SIGMOID, 8, true, 2.5f, 8, 4, 2);
        assertEquals(new ExpertConfig(256, 2048, gating, 2048, false, 3), config.experts());
        assertTrue(config.isDense(2) && !config.isDense(3));
        assertEquals(1.8738f, config.rope().scoreFactor(), 1e-4, "(1 + 0.1 ln 40)²");
        assertEquals(1f, config.rope().magnitude());
    }

    /** The number of key heads and sizes of old files, which kept the keys of all heads. */
    @Test
    void readsLatentAttentionOfOlderFiles() {
        Metadata metadata = ModelShape.ofId("deepseek-v2-lite").metadata(27).toBuilder()
                .remove("deepseek2.attention.key_length_mla")
                .remove("deepseek2.attention.value_length_mla")
                .remove("deepseek2.attention.value_length")
                .uint32("deepseek2.attention.value_length", 128)
                .build();
        ModelConfig config = ModelConfig.of(metadata, 102400);
        assertEquals(ModelConfig.of(ModelShape.ofId("deepseek-v2-lite").metadata(27), 102400), config);
        assertEquals(new LatentConfig(0, 512, 128, 64), config.latent());
    }

    @Test
    void readsTheGateOfSharedExperts() {
        ModelConfig config = ModelConfig.of(ModelShape.ofId("qwen1.5-moe-a2.7b").metadata(24), 151936);
        Gating gating = new Gating(Gating.Function.SOFTMAX, 4, false, 1f);
        assertEquals(new ExpertConfig(60, 1408, gating, 5632, true, 0), config.experts());
    }

    @Test
    void headSizesComeFromTheWidthWhereTheFileNamesNone() {
        Metadata metadata = LLAMA.toBuilder()
                .remove("llama.attention.key_length")
                .remove("llama.attention.value_length")
                .remove("llama.rope.dimension_count")
                .build();
        ModelConfig config = ModelConfig.of(metadata, 128256);
        assertEquals(64, config.keySize());
        assertEquals(64, config.valueSize());
        assertEquals(64, config.rope().dimensions());
    }

    @Test
    void namesAnArchitectureThatItDoesNotKnowAndThoseThatItDoes() {
        Metadata metadata = LLAMA.toBuilder()
                .remove("general.architecture")
                .string("general.architecture", "mamba")
                .build();
        String message = assertThrows(UnsupportedFeatureException.class, () -> ModelConfig.of(metadata, 1))
                .getMessage();
        assertTrue(message.contains("'mamba'") && message.contains("qwen3moe"), message);
    }

    @ParameterizedTest
    @CsvSource({
        "llama.embedding_length, 0",
        "llama.block_count, 0",
        "llama.attention.head_count_kv, 5",
        "llama.attention.head_count, 4000000000",
        "llama.rope.dimension_count, 65",
        "llama.rope.dimension_count, 128",
        "llama.context_length, 0"
    })
    void refusesNumbersThatMakeNoSenseByKey(String key, long value) {
        Metadata metadata = LLAMA.toBuilder().remove(key).uint32(key, value).build();
        InvalidModelException refused =
                assertThrows(InvalidModelException.class, () -> ModelConfig.of(metadata, 128256));
        assertTrue(refused.getMessage().contains(key), refused.getMessage());
    }

    @Test
    void refusesMoreExpertsUsedThanThereAre() {
        Metadata metadata = LLAMA.toBuilder()
                .uint32("llama.expert_count", 4)
                .uint32("llama.expert_used_count", 5)
                .build();
        assertThrows(InvalidModelException.class, () -> ModelConfig.of(metadata, 128256));
    }

    @Test
    void ropeFrequenciesFollowBaseFactorAndDivisors() {
        RopeConfig plain = new RopeConfig(4, 100f, 1f);
        assertArrayEquals(new float[] {1f, 0.1f}, plain.frequencies(new float[0]));
        assertArrayEquals(new float[] {0.25f, 0.025f}, new RopeConfig(4, 100f, 4f).frequencies(new float[0]));
        assertArrayEquals(new float[] {1f, 0.0125f}, plain.frequencies(new float[] {1f, 8f}));
    }

    @Test
    void yarnKeepsFastPairsAndDividesSlowOnes() {
        Metadata yarn = LLAMA.toBuilder()
                .string("llama.rope.scaling.type", "yarn")
                .float32("llama.rope.scaling.factor", 4f)
                .uint32("llama.rope.scaling.original_context_length", 8192)
                .build();
        RopeConfig rope = ModelConfig.of(yarn, 128256).rope();
        float[] whole = ModelConfig.of(LLAMA, 128256).rope().frequencies(new float[0]);
        float[] scaled = rope.frequencies(new float[0]);
        assertEquals(whole[0], scaled[0]);
        assertEquals(whole[31] / 4, scaled[31]);
        // 64 · ln(8192 / (32 · 2π)) / (2 ln 500000) = 9.04 to 64 · ln(8192 / 2π) / (2 ln 500000) = 17.49.
        assertEquals(whole[9], scaled[9]);
        assertEquals(whole[10] * (8 / 9.0 + 1 / 9.0 / 4), scaled[10], 1e-6);
        assertEquals(whole[18] / 4, scaled[18]);
        assertEquals(1.1386f, rope.magnitude(), 1e-4, "1 + 0.1 ln 4");
        assertEquals(1f, rope.scoreFactor());
    }

    @Test
    void linearRopeScalingIsReadAndOthersAreRefusedByName() {
        Metadata.Builder linear =
                LLAMA.toBuilder().string("llama.rope.scaling.type", "linear").float32("llama.rope.scaling.factor", 8f);
        assertEquals(8f, ModelConfig.of(linear.build(), 128256).rope().linearFactor());
        Metadata other = LLAMA.toBuilder()
                .string("llama.rope.scaling.type", "longrope")
                .float32("llama.rope.scaling.factor", 8f)
                .build();
        assertTrue(assertThrows(UnsupportedFeatureException.class, () -> ModelConfig.of(other, 128256))
                .getMessage()
                .contains("'longrope'"));
        Metadata old = LLAMA.toBuilder().float32("llama.rope.scale_linear", 2f).build();
        assertEquals(2f, ModelConfig.of(old, 128256).rope().linearFactor());
    }
}
