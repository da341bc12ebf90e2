package dev.nibble.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.InvalidModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufModelTest {
    private static final Metadata METADATA = Metadata.builder()
            .string("general.architecture", "llama")
            .uint32("llama.context_length", 16)
            .uint32("llama.embedding_length", 32)
            .uint32("llama.block_count", 1)
            .uint32("llama.feed_forward_length", 64)
            .uint32("llama.attention.head_count", 2)
            .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .build();

    @TempDir
    Path folder;

    @Test
    void namesTheTensorThatIsMissing() throws IOException {
        try (GgufModel model = model(List.of(32L, 10L))) {
            assertEquals(10, model.config().vocabulary());
            InvalidModelException missing = assertThrows(InvalidModelException.class, () -> Weights.tensors(model));
            assertTrue(missing.getMessage().contains("output_norm.weight"), missing.getMessage());
        }
    }

    @Test
    void namesTheTensorWhoseShapeIsWrongWithBothShapes() throws IOException {
        try (GgufModel model = model(List.of(64L, 10L))) {
            String message = assertThrows(InvalidModelException.class, () -> Weights.tensors(model))
                    .getMessage();
            assertTrue(message.contains("token_embd.weight"), message);
            assertTrue(message.contains("[64, 10]") && message.contains("[32, 10]"), message);
        }
    }

    private GgufModel model(List<Long> dimensions) throws IOException {
        Path path = folder.resolve("model.gguf");
        try (GgufWriter writer = new GgufWriter(path, METADATA)) {
            writer.declare("token_embd.weight", TensorType.F32, dimensions);
            writer.write(MemorySegment.ofArray(new byte[(int) (dimensions.get(0) * dimensions.get(1) * 4)]));
            writer.finish();
        }
        return new GgufModel(GgufFile.open(path));
    }
}
