package dev.nibble.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.InvalidModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.Importance.ColumnSums;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportanceTest {
    @TempDir
    private Path folder;

    @Test
    void comesBackAsItWasWritten() throws IOException {
        Path path = folder.resolve("importance.gguf");
        ColumnSums dense = new ColumnSums(new float[] {1, 2, 3}, new float[] {4});
        ColumnSums experts = new ColumnSums(new float[] {8, 0, 5, 6, 7, 9}, new float[] {2, 0, 3});
        new Importance(
                        Map.of("blk.0.ffn_up.weight", dense, "blk.0.ffn_up_exps.weight", experts),
                        List.of("a.txt", "b.txt"),
                        7,
                        128)
                .write(path);
        Importance read = Importance.read(path);
        assertEquals(List.of("a.txt", "b.txt"), read.datasets());
        assertEquals(7, read.chunks());
        assertEquals(128, read.chunkSize());
        assertEquals(2, read.tensors().size());
        ColumnSums tensor = read.tensors().get("blk.0.ffn_up.weight");
        assertEquals(3, tensor.columns());
        assertArrayEquals(new float[] {0.25f, 0.5f, 0.75f}, tensor.meanSquares(0));
        tensor = read.tensors().get("blk.0.ffn_up_exps.weight");
        assertEquals(2, tensor.columns());
        assertEquals(3, tensor.experts());
        assertArrayEquals(new float[] {4, 0}, tensor.meanSquares(0));
        assertNull(tensor.meanSquares(1));
        assertArrayEquals(new float[] {7 / 3f, 3}, tensor.meanSquares(2));
    }

    @Test
    void standsInTheFileAsOtherProgramsExpect() throws IOException {
        Path path = folder.resolve("importance.gguf");
        new Importance(Map.of("w", new ColumnSums(new float[12], new float[] {1, 1, 1})), List.of(), 1, 2).write(path);
        try (GgufFile file = GgufFile.open(path)) {
            assertEquals("imatrix", file.metadata().requireString("general.type"));
            assertEquals(List.of(4L, 3L), file.tensor("w.in_sum2").dimensions());
            assertEquals(List.of(1L, 3L), file.tensor("w.counts").dimensions());
        }
    }

    @Test
    void refusesNumbersThatAreNoSums() {
        for (float bad : new float[] {Float.NaN, -1, Float.POSITIVE_INFINITY}) {
            var e = assertThrows(
                    IllegalArgumentException.class, () -> new ColumnSums(new float[] {0, bad}, new float[] {1}));
            assertTrue(e.getMessage().contains("sum 1 is " + bad), e.getMessage());
            assertThrows(IllegalArgumentException.class, () -> new ColumnSums(new float[] {0}, new float[] {bad}));
        }
        assertThrows(IllegalArgumentException.class, () -> new ColumnSums(new float[5], new float[2]));
        assertThrows(IllegalArgumentException.class, () -> new ColumnSums(new float[0], new float[0]));
    }

    @Test
    void refusesAFileThatIsNone() throws IOException {
        Path model = write("general.type", "model", TensorType.F32, List.of(2L), List.of(1L));
        assertMessage(model, "general.type is 'model'");
        Path shapes = write("general.type", "imatrix", TensorType.F32, List.of(2L, 3L), List.of(1L, 2L));
        assertMessage(shapes, "w.counts of [1, 2]");
        Path types = write("general.type", "imatrix", TensorType.F16, List.of(2L), List.of(1L));
        assertMessage(types, "w.in_sum2 is of type F16");
    }

    private static void assertMessage(Path path, String part) {
        var e = assertThrows(InvalidModelException.class, () -> Importance.read(path));
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    private Path write(String key, String value, TensorType type, List<Long> sums, List<Long> counts)
            throws IOException {
        Path path = folder.resolve("odd.gguf");
        Metadata metadata = Metadata.builder().string(key, value).build();
        try (GgufWriter writer = new GgufWriter(path, metadata)) {
            long sumBytes = writer.declare("w.in_sum2", type, sums).bytes();
            long countBytes = writer.declare("w.counts", TensorType.F32, counts).bytes();
            writer.write(MemorySegment.ofArray(new byte[(int) sumBytes]));
            writer.write(MemorySegment.ofArray(new byte[(int) countBytes]));
            writer.finish();
        }
        return path;
    }
}
