package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorInfo;
import dev.nibble.quant.BlockFormat;
import dev.nibble.quantize.FloatModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Whole files from float models: which tensor gets which type, and that values and metadata stay. */
@Timeout(120)
class ModelQuantizerTest extends QuantizationFixture {
    static Stream<String> types() {
        return ModelQuantizer.types().stream();
    }

    @ParameterizedTest
    @MethodSource("types")
    void everyTypeKeepsTheValuesAndTheMetadata(String type) throws IOException {
        quantize(QuantizationOptions.builder(type).build());
        try (GgufFile before = GgufFile.open(source);
                GgufFile after = GgufFile.open(target)) {
            assertEquals(before.tensors().size(), after.tensors().size());
            for (TensorInfo tensor : before.tensors()) {
                TensorInfo written = after.tensor(tensor.name());
                assertEquals(tensor.dimensions(), written.dimensions());
                double limit = type.startsWith("q2") ? 0.35 : type.startsWith("q3") ? 0.2 : 0.1;
                double error = relativeError(model.values(tensor.name()), values(after, written));
                boolean kept = tensor.name().contains("norm") || tensor.name().contains("gate_inp");
                assertTrue(error <= (kept ? 0 : limit), tensor.name() + ": " + error);
            }
            Metadata metadata = after.metadata();
            assertEquals(2, metadata.requireInt("general.quantization_version"));
            Metadata.Builder expected = before.metadata().toBuilder();
            expected.uint32("general.file_type", metadata.requireInt("general.file_type"));
            expected.uint32("general.quantization_version", 2);
            assertEquals(expected.build(), metadata);
        }
    }

    @Test
    void theFileSaysItsType() throws IOException {
        Map<String, Integer> numbers = Map.of("f16", 1, "q8_0", 7, "q4_k_m", 15, "iq4_xs", 30, "bf16", 32);
        for (Map.Entry<String, Integer> number : numbers.entrySet()) {
            quantize(QuantizationOptions.builder(number.getKey()).build());
            try (GgufFile after = GgufFile.open(target)) {
                assertEquals(number.getValue(), after.metadata().requireInt("general.file_type"));
            }
        }
    }

    @Test
    void threadsAndPiecesLeaveNoTrace() throws IOException {
        model.tensor("blk.0.ffn_gate.weight", WIDTH, 1100).write(source);
        quantize(QuantizationOptions.builder("q4_k_m").threads(1).build());
        byte[] alone = Files.readAllBytes(target);
        quantize(QuantizationOptions.builder("q4_k_m").threads(5).build());
        assertArrayEquals(alone, Files.readAllBytes(target));
        float[] values = model.values("blk.0.ffn_gate.weight");
        assertArrayEquals(encode(BlockFormat.Q4_K, values, null), bytes("blk.0.ffn_gate.weight"));
    }

    @Test
    void explicitTypesComeBeforeTheMix() throws IOException {
        QuantizationOptions options = QuantizationOptions.builder("q4_k_m")
                .outputType("q8_0")
                .tokenEmbeddingType("f16")
                .tensorType("ffn_.*exps", "iq4_nl")
                .tensorType("blk\\.0\\.", "bf16")
                .build();
        assertEquals(
                Map.of(
                        "token_embd.weight", "F16",
                        "output_norm.weight", "F32",
                        "output.weight", "Q8_0",
                        "blk.0.attn_norm.weight", "F32",
                        "blk.0.attn_v.weight", "BF16",
                        "blk.0.ffn_up.weight", "BF16",
                        "blk.0.ffn_down.weight", "BF16",
                        "blk.1.ffn_gate_inp.weight", "F32",
                        "blk.1.ffn_up_exps.weight", "IQ4_NL"),
                plannedTypes(options));
    }

    @Test
    void pureMeansOneTypeForAllMatrices() throws IOException {
        Map<String, String> types =
                plannedTypes(QuantizationOptions.builder("q3_k_m").pure(true).build());
        types.forEach((name, type) ->
                assertEquals(name.contains("norm") || name.contains("gate_inp") ? "F32" : "Q3_K", type, name));
    }

    @Test
    void theOutputTypeIsThatOfATiedEmbedding() throws IOException {
        new FloatModel(WIDTH).write(source);
        Map<String, String> types = plannedTypes(
                QuantizationOptions.builder("q4_k_m").outputType("q8_0").build());
        assertEquals("Q8_0", types.get("token_embd.weight"));
        types = plannedTypes(QuantizationOptions.builder("q4_k_m").build());
        assertEquals("Q6_K", types.get("token_embd.weight"));
    }

    @Test
    void rowsThatDoNotDivideGetANamedSubstitute() throws IOException {
        FloatModel.mixed(288).tensor("blk.0.attn_q.weight", 144, 4).write(source);
        try (ModelQuantizer quantizer = ModelQuantizer.open(
                source, QuantizationOptions.builder("q4_k_m").build())) {
            Map<String, String> types = types(quantizer);
            assertEquals("Q5_0", types.get("blk.0.ffn_up.weight"));
            assertEquals("Q8_0", types.get("output.weight"));
            assertEquals("F16", types.get("blk.0.attn_q.weight"));
            List<String> notes = quantizer.notes();
            assertTrue(
                    notes.stream()
                            .anyMatch(note -> note.contains("q5_0 instead of q4_k")
                                    && note.contains("288")
                                    && note.contains("256")
                                    && note.contains("blk.0.ffn_up.weight")),
                    notes.toString());
            assertTrue(notes.stream().anyMatch(note -> note.contains("f16 instead of q4_k")), notes.toString());
            quantizer.write(target, (done, total) -> {});
        }
    }

    @Test
    void partsOfASplitModelBecomeOneFile() throws IOException {
        Files.delete(source);
        List<String> names = List.of("token_embd.weight", "output_norm.weight", "output.weight");
        List<String> rest = List.of("blk.0.attn_v.weight", "blk.0.ffn_up.weight");
        model.metadata().uint32("split.count", 2).uint32("split.tensors.count", 5);
        model.metadata().uint32("split.no", 0);
        Path first = model.write(folder.resolve("m-00001-of-00002.gguf"), names);
        model.metadata().uint32("split.no", 1);
        Path second = model.write(folder.resolve("m-00002-of-00002.gguf"), rest);
        source = first;
        quantize(QuantizationOptions.builder("q8_0").build());
        try (GgufFile after = GgufFile.open(target)) {
            assertEquals(5, after.tensors().size());
            assertFalse(after.metadata().contains("split.count"));
            assertFalse(after.metadata().contains("split.no"));
        }
        assertArrayEquals(
                encode(BlockFormat.Q8_0, model.values("blk.0.ffn_up.weight"), null), bytes("blk.0.ffn_up.weight"));
        assertThrows(IllegalArgumentException.class, () -> quantize(second));
    }

    @Test
    void progressEndsAtTheWhole() throws IOException {
        try (ModelQuantizer quantizer =
                ModelQuantizer.open(source, QuantizationOptions.builder("q8_0").build())) {
            long[] last = new long[2];
            quantizer.write(target, (done, total) -> {
                assertTrue(done >= last[0] && done <= total, done + " of " + total);
                last[0] = done;
                last[1] = total;
            });
            assertEquals(last[1], last[0]);
            assertEquals(
                    quantizer.tensors().stream()
                            .mapToLong(ModelQuantizer.Tensor::bytes)
                            .sum(),
                    last[1]);
        }
    }

    /** From eight bits to others: the mean error of logits stays about what llama.cpp's files of these types have. */
    @ParameterizedTest
    @CsvSource({"f32, 1e-3", "q6_k, 0.004", "q5_k_m, 0.008", "iq4_xs, 0.02", "q4_k_m, 0.02", "q3_k_m, 0.05"})
    void whatIsWrittenLoadsAndForesees(String type, double limit) throws IOException {
        source = folder.resolve("bundled.gguf");
        try (InputStream bundled = Objects.requireNonNull(getClass().getResourceAsStream("tiny-q8_0.gguf"))) {
            Files.copy(bundled, source);
        }
        quantize(QuantizationOptions.builder(type).allowRequantize(true).build());
        List<float[]> expected = logits(source);
        List<float[]> actual = logits(target);
        double sum = 0;
        for (int i = 0; i < expected.size(); i++) {
            double error = relativeError(expected.get(i), actual.get(i));
            sum += error * error;
        }
        double mean = sum / expected.size();
        assertTrue(mean <= limit, type + ": " + mean);
    }

    private static List<float[]> logits(Path path) throws IOException {
        List<float[]> rows = new ArrayList<>();
        try (LanguageModel model = LanguageModel.open(path, ModelOptions.DEFAULT);
                TokenSession session = model.session()) {
            int[] tokens = model.tokenize("Anna put the red ball in the blue box. Then she went to the garden. "
                    + "Question: Where is the ball? Answer: The ball is in the blue box.");
            session.feed(tokens, (position, row) -> rows.add(row.clone()));
        }
        return rows;
    }
}
