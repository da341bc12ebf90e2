package dev.nibble.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.WeightSource;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SyntheticModelTest {
    @ParameterizedTest
    @CsvSource({
        "llama-3.2-1b:f16, 1.236",
        "llama-3.1-8b:f16, 8.030",
        "llama-3.3-70b:f16, 70.554",
        "mixtral-8x7b:f16, 46.703",
        "qwen2.5-7b:f16, 7.616",
        "qwen3-8b:f16, 8.191",
        "qwen3-30b-a3b:f16, 30.532",
        "qwen1.5-moe-a2.7b:f16, 14.316",
        "deepseek-v2-lite:f16, 15.706",
        "deepseek-r1:f16, 671.026"
    })
    void hasAsManyParametersAsThePublicModel(String name, double billions) {
        try (SyntheticModel model = SyntheticModel.of(name)) {
            boolean tied = model.find(TensorRole.OUTPUT, 0).isEmpty();
            long parameters = Weights.tensors(model).stream()
                    .filter(tensor -> tensor.role() != TensorRole.KEY_UP)
                    .filter(tensor -> !(tied && tensor.role() == TensorRole.OUTPUT))
                    .mapToLong(tensor -> tensor.source().shape().values())
                    .sum();
            assertEquals(billions, parameters / 1e9, 0.001);
        }
    }

    @Test
    void rowsAreTheSameEachTimeAndDifferFromOneAnother() {
        WeightSource source =
                SyntheticModel.of("llama-3.2-1b:q4_0").find(TensorRole.QUERY, 3).orElseThrow();
        MemorySegment rows = source.rows(5, 3);
        assertEquals(-1, rows.asSlice(source.shape().rowBytes()).mismatch(source.rows(6, 2)));
        assertNotEquals(-1, source.rows(5, 1).mismatch(source.rows(6, 1)));
        WeightSource other =
                SyntheticModel.of("llama-3.2-1b:q4_0").find(TensorRole.QUERY, 4).orElseThrow();
        assertNotEquals(-1, source.rows(5, 1).mismatch(other.rows(5, 1)));
    }

    @Test
    void weightsKeepActivationsInBounds() {
        WeightSource source =
                SyntheticModel.of("llama-3.2-1b:q4_k").find(TensorRole.DOWN, 0).orElseThrow();
        assertEquals(TensorType.Q4_K, source.shape().type());
        assertEquals(1, power(source), 0.2, "a row of weights keeps the variance of its input");
    }

    private static double power(WeightSource source) {
        float[] row = new float[source.shape().columns()];
        BlockFormat.of(source.shape().type()).decode(source.rows(17, 1), 0, row, 0, row.length);
        double power = 0;
        for (float weight : row) {
            power += weight * weight;
        }
        return power;
    }

    /** As large as the file of 130.60 GiB, but for the part of the key matrices that is kept in 16 bits instead of 6.5625, and what is kept in two forms. */
    @Test
    void dynamicOneBitTypesAreThoseOfThePublishedFile() {
        try (SyntheticModel model = SyntheticModel.of("deepseek-r1:ud-iq1_s")) {
            double bytes = Weights.tensors(model).stream()
                    .filter(tensor -> tensor.role() != TensorRole.KEY_UP)
                    .mapToLong(tensor -> tensor.source().shape().bytes())
                    .sum();
            double turned = 61.0 * 128 * 512 * 128 * (16 - 6.5625) / 8;
            assertEquals(130.60, (bytes - turned) / (1 << 30), 0.01);
        }
    }

    @Test
    void takesTheFirstLayersOfAShape() {
        try (SyntheticModel model = SyntheticModel.of("deepseek-r1/4:ud-iq1_s")) {
            assertEquals(4, model.config().layers());
            assertEquals(
                    TensorType.Q6_K,
                    model.find(TensorRole.DOWN, 2).orElseThrow().shape().type());
            WeightSource down = model.find(TensorRole.EXPERT_DOWN, 3).orElseThrow();
            assertEquals(TensorType.IQ2_XXS, down.shape().type());
            assertEquals(1, power(down), 0.3, "a row of weights keeps the variance of its input");
        }
        assertTrue(message("deepseek-r1/62:q4_0").contains("1 to 61"));
        assertTrue(message("deepseek-r1/x:q4_0").contains("'x'"));
    }

    @Test
    void namesTheShapesAndTypesThatThereAre() {
        assertTrue(message("llama-9:q4_0").contains("llama-3.1-8b"));
        assertTrue(message("llama-3.2-1b:q9").contains("q4_k"));
        assertTrue(message("llama-3.2-1b").contains("llama-3.2-1b:q4_0"));
    }

    private static String message(String name) {
        return assertThrows(IllegalArgumentException.class, () -> SyntheticModel.of(name))
                .getMessage();
    }
}
