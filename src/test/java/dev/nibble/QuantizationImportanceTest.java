package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.gguf.GgufFile;
import dev.nibble.quant.BlockFormat;
import dev.nibble.quant.Importance;
import dev.nibble.quant.Importance.ColumnSums;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Quantization guided by the importance of columns. */
@Timeout(120)
class QuantizationImportanceTest extends QuantizationFixture {
    @Test
    void importanceGuidesEachExpertByItsOwn() throws IOException {
        Map<String, ColumnSums> sums = importance(WIDTH);
        Path file = folder.resolve("importance.gguf");
        new Importance(sums, List.of("text.txt"), 4, 128).write(file);
        quantize(QuantizationOptions.builder("q4_k_s").importance(file).build());
        float[] values = model.values("blk.1.ffn_up_exps.weight");
        byte[] expected = new byte[0];
        ColumnSums experts = Objects.requireNonNull(sums.get("blk.1.ffn_up_exps.weight"));
        for (int matrix = 0; matrix < 3; matrix++) {
            float[] rows = Arrays.copyOfRange(values, matrix * 16 * WIDTH, (matrix + 1) * 16 * WIDTH);
            byte[] blocks = encode(BlockFormat.Q4_K, rows, experts.meanSquares(matrix));
            int end = expected.length;
            expected = Arrays.copyOf(expected, end + blocks.length);
            System.arraycopy(blocks, 0, expected, end, blocks.length);
        }
        assertArrayEquals(expected, bytes("blk.1.ffn_up_exps.weight"));
        try (GgufFile after = GgufFile.open(target)) {
            assertEquals("importance.gguf", after.metadata().requireString("quantize.imatrix.file"));
            assertEquals(4, after.metadata().requireInt("quantize.imatrix.chunks_count"));
            assertEquals(sums.size(), after.metadata().requireInt("quantize.imatrix.entries_count"));
        }
    }

    @Test
    void importanceOfAnotherModelIsRefused() throws IOException {
        Path file = folder.resolve("importance.gguf");
        QuantizationOptions options =
                QuantizationOptions.builder("q4_k_m").importance(file).build();
        new Importance(importance(2 * WIDTH), List.of(), 1, 1).write(file);
        assertRefused(options, InvalidModelException.class, "another model", "1024", "512", file.toString());
        Map<String, ColumnSums> deeper = importance(WIDTH);
        deeper.put("blk.7.attn_v.weight", new ColumnSums(new float[WIDTH], new float[] {1}));
        new Importance(deeper, List.of(), 1, 1).write(file);
        assertRefused(options, InvalidModelException.class, "another model", "blk.7.attn_v.weight", file.toString());
        ColumnSums other = new ColumnSums(new float[WIDTH], new float[] {1});
        new Importance(Map.of("blk.0.attn_qkv.weight", other), List.of(), 1, 1).write(file);
        assertRefused(options, InvalidModelException.class, "another model", "blk.0.attn_qkv.weight");
        new Importance(Map.of("blk.0.ffn_down.weight", other), List.of(), 1, 1).write(file);
        assertRefused(options, InvalidModelException.class, "another model", "3 of 4", "blk.0.attn_v.weight");
        assertRefused(
                QuantizationOptions.builder("q4_k_m").importance(source).build(),
                InvalidModelException.class,
                "no importance file");
        assertRefused(
                QuantizationOptions.builder("bf16").importance(file).build(), IllegalArgumentException.class, "no use");
    }

    @Test
    void tensorsWithoutImportanceAreNamed() throws IOException {
        Map<String, ColumnSums> sums = importance(WIDTH);
        sums.remove("blk.0.ffn_down.weight");
        Path file = folder.resolve("importance.gguf");
        new Importance(sums, List.of(), 1, 1).write(file);
        QuantizationOptions options =
                QuantizationOptions.builder("q4_k_m").importance(file).build();
        try (ModelQuantizer quantizer = ModelQuantizer.open(source, options)) {
            assertEquals(1, quantizer.notes().size());
            assertTrue(
                    quantizer.notes().getFirst().contains("blk.0.ffn_down.weight"),
                    quantizer.notes().getFirst());
        }
    }

    private static Map<String, ColumnSums> importance(int width) {
        Random random = new Random(9);
        Map<String, ColumnSums> sums = new LinkedHashMap<>();
        for (String name : List.of("blk.0.attn_v.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight")) {
            sums.put(name, new ColumnSums(noise(random, width), new float[] {7}));
        }
        sums.put("blk.1.ffn_up_exps.weight", new ColumnSums(noise(random, 3 * width), new float[] {5, 0, 2}));
        return sums;
    }

    private static float[] noise(Random random, int count) {
        float[] noise = new float[count];
        for (int i = 0; i < count; i++) {
            noise[i] = random.nextFloat(0.1f, 9);
        }
        return noise;
    }
}
