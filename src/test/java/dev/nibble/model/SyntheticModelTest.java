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
        "qwen3-30b-a3b:f16, 30.532"
    })
    void hasAsManyParametersAsThePublicModel(String name, double billions) {
        try (SyntheticModel model = SyntheticModel.of(name)) {
            boolean tied = model.find(TensorRole.OUTPUT, 0).isEmpty();
            long parameters = Weights.tensors(model).stream()
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
        float[] row = new float[source.shape().columns()];
        BlockFormat.Q4_K.decode(source.rows(17, 1), 0, row, 0, row.length);
        double power = 0;
        for (float weight : row) {
            power += weight * weight;
        }
        assertEquals(1, power, 0.2, "a row of weights keeps the variance of its input");
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
