package dev.nibble.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.InvalidModelException;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.gguf.Metadata;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {
    private static final Metadata LLAMA = ModelShape.ofId("llama-3.2-1b").metadata();

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
        ModelConfig config = ModelConfig.of(ModelShape.ofId("qwen3-30b-a3b").metadata(), 151936);
        assertNotNull(config.experts());
        assertEquals(new ExpertConfig(128, 8, 768, 1f), config.experts());
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
    void linearRopeScalingIsReadAndOthersAreRefusedByName() {
        Metadata.Builder linear =
                LLAMA.toBuilder().string("llama.rope.scaling.type", "linear").float32("llama.rope.scaling.factor", 8f);
        assertEquals(8f, ModelConfig.of(linear.build(), 128256).rope().linearFactor());
        Metadata yarn = LLAMA.toBuilder()
                .string("llama.rope.scaling.type", "yarn")
                .float32("llama.rope.scaling.factor", 8f)
                .build();
        assertTrue(assertThrows(UnsupportedFeatureException.class, () -> ModelConfig.of(yarn, 128256))
                .getMessage()
                .contains("'yarn'"));
        Metadata old = LLAMA.toBuilder().float32("llama.rope.scale_linear", 2f).build();
        assertEquals(2f, ModelConfig.of(old, 128256).rope().linearFactor());
    }
}
