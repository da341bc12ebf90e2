package dev.nibble.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.device.WeightSource;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ModelCutoutTest {
    @Test
    void hasEveryTypeThatARoleHasInAnyLayer() {
        ModelSource mixed = new Mixed(SyntheticModel.of("llama-3.2-1b:q4_k"), SyntheticModel.of("llama-3.2-1b:q6_k"));
        ModelCutout cutout = new ModelCutout(mixed, Weights.tensors(mixed));
        assertEquals(2, cutout.config().layers());
        assertEquals(TensorType.Q4_K, type(cutout, TensorRole.DOWN, 0));
        assertEquals(TensorType.Q6_K, type(cutout, TensorRole.DOWN, 1));
        assertEquals(TensorType.Q4_K, type(cutout, TensorRole.UP, 1));
    }

    @Test
    void cornersAreWholeBlocksOfTheModel() {
        try (ModelSource source = SyntheticModel.of("llama-3.2-1b:q4_0")) {
            ModelCutout cutout = new ModelCutout(source, Weights.tensors(source));
            WeightSource whole = source.find(TensorRole.UP, 0).orElseThrow();
            WeightSource corner = cutout.find(TensorRole.UP, 0).orElseThrow();
            assertEquals(256, corner.shape().rows());
            assertEquals(256, corner.shape().columns());
            // 256 of 2048 columns: eight rows of the corner are one row of the model.
            MemorySegment rows = corner.rows(7, 3);
            long rowBytes = corner.shape().rowBytes();
            assertEquals(3 * rowBytes, rows.byteSize());
            assertEquals(-1, rows.asSlice(0, rowBytes).mismatch(whole.rows(0, 1).asSlice(7 * rowBytes, rowBytes)));
            assertEquals(-1, rows.asSlice(rowBytes).mismatch(whole.rows(1, 1).asSlice(0, 2 * rowBytes)));
        }
    }

    private static TensorType type(ModelSource source, TensorRole role, int layer) {
        return source.find(role, layer).orElseThrow().shape().type();
    }

    /** A model with another's down projections from layer 3 on. */
    private record Mixed(ModelSource first, ModelSource second) implements ModelSource {
        @Override
        public Metadata metadata() {
            return first.metadata();
        }

        @Override
        public ModelConfig config() {
            return first.config();
        }

        @Override
        public Optional<WeightSource> find(TensorRole role, int layer) {
            return (role == TensorRole.DOWN && layer >= 3 ? second : first).find(role, layer);
        }

        @Override
        public RuntimeException missing(String tensor) {
            return first.missing(tensor);
        }

        @Override
        public void close() {
            first.close();
            second.close();
        }
    }
}
