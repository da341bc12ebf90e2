package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import dev.nibble.quantize.FloatModel;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What cannot be quantized is refused by name, and nothing is left of it. */
@Timeout(120)
class QuantizationFailureTest extends QuantizationFixture {
    @Test
    void rowsThatDoNotDivideAreRefusedWhereTheTypeWasNamed() throws IOException {
        FloatModel.mixed(288).write(source);
        for (QuantizationOptions options : List.of(
                QuantizationOptions.builder("q4_k_m").pure(true).build(),
                QuantizationOptions.builder("q8_0")
                        .tensorType("token_embd", "q4_k")
                        .build(),
                QuantizationOptions.builder("q8_0").tokenEmbeddingType("q4_k").build())) {
            assertRefused(options, IllegalArgumentException.class, "token_embd.weight", "288", "256", "q5_0");
        }
    }

    @Test
    void choicesThatMeanNothingAreRefused() {
        assertRefused(QuantizationOptions.builder("q9_k").build(), IllegalArgumentException.class, "'q9_k'", "q4_k_m");
        assertRefused(
                QuantizationOptions.builder("q8_0").tensorType("ffn", "q9").build(),
                IllegalArgumentException.class,
                "'q9'",
                "q4_k");
        assertRefused(
                QuantizationOptions.builder("q8_0").tensorType("ffm", "q4_0").build(),
                IllegalArgumentException.class,
                "ffm=q4_0");
        assertRefused(
                QuantizationOptions.builder("q8_0").tensorType("_norm", "q4_0").build(),
                IllegalArgumentException.class,
                "_norm=q4_0",
                "norms");
        assertRefused(
                QuantizationOptions.builder("q8_0").tensorType("ffn[", "q4_0").build(),
                IllegalArgumentException.class,
                "'ffn['",
                "regular expression");
        assertThrows(
                IllegalArgumentException.class,
                () -> QuantizationOptions.builder("q8_0").threads(-1).build());
    }

    @Test
    void aQuantizedModelIsQuantizedAgainOnlyIfThatIsAllowed() throws IOException {
        quantize(QuantizationOptions.builder("q8_0").build());
        Files.move(target, source, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        QuantizationOptions options = QuantizationOptions.builder("q4_0").build();
        assertRefused(options, IllegalArgumentException.class, "token_embd.weight", "q8_0", "--allow-requantize");
        quantize(QuantizationOptions.builder("q4_0").allowRequantize(true).build());
        // What is of the wanted type already, and what loses nothing, needs no leave.
        quantize(QuantizationOptions.builder("q8_0").build());
        assertArrayEquals(
                encode(BlockFormat.Q8_0, model.values("output.weight"), null), bytes("output.weight"), "copied");
        quantize(QuantizationOptions.builder("f32").build());
    }

    @ParameterizedTest
    @MethodSource("badValues")
    void aWeightThatIsNoNumberIsNamedAndLeavesNothing(float bad) throws IOException {
        Files.writeString(target, "what was there");
        model.set("blk.1.ffn_up_exps.weight", (2 * 16 + 5) * WIDTH + 77, bad).write(source);
        var e = assertThrows(
                InvalidModelException.class,
                () -> quantize(QuantizationOptions.builder("q4_k_m").build()));
        for (String part : List.of("blk.1.ffn_up_exps.weight", "matrix 2", "row 5", "column 77", "" + bad)) {
            assertTrue(e.getMessage().contains(part), e.getMessage());
        }
        assertEquals("what was there", Files.readString(target));
        assertOnly(source, target);
    }

    static Stream<Float> badValues() {
        return Stream.of(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);
    }

    @Test
    void aTypeThatCannotBeDecodedIsNamed() throws IOException {
        Metadata metadata = Metadata.builder().build();
        try (GgufWriter writer = new GgufWriter(source, metadata)) {
            long bytes = writer.declare("blk.0.ffn_up.weight", TensorType.NVFP4, List.of(256L, 2L))
                    .bytes();
            writer.write(MemorySegment.ofArray(new byte[(int) bytes]));
            writer.finish();
        }
        assertRefused(
                QuantizationOptions.builder("q8_0").allowRequantize(true).build(),
                UnsupportedFeatureException.class,
                "blk.0.ffn_up.weight",
                "nvfp4");
    }

    @Test
    void copiedTensorsAreCheckedToo() throws IOException {
        model.set("blk.0.attn_norm.weight", 3, Float.NaN).write(source);
        var e = assertThrows(
                InvalidModelException.class,
                () -> quantize(QuantizationOptions.builder("q8_0").build()));
        assertTrue(e.getMessage().contains("blk.0.attn_norm.weight"), e.getMessage());
        assertOnly(source);
    }

    @Test
    void weightsTooLargeForTheTypeAreNamed() throws IOException {
        model.set("blk.0.ffn_up.weight", 4 * WIDTH + 9, 1e5f).write(source);
        var f16 = assertThrows(
                InvalidModelException.class,
                () -> quantize(QuantizationOptions.builder("f16").build()));
        assertTrue(
                f16.getMessage().contains("blk.0.ffn_up.weight")
                        && f16.getMessage().contains("row 4, column 9"),
                f16.getMessage());
        quantize(QuantizationOptions.builder("bf16").build());
        model.set("blk.0.ffn_up.weight", 4 * WIDTH + 9, 1e30f).write(source);
        var blocks = assertThrows(
                InvalidModelException.class,
                () -> quantize(QuantizationOptions.builder("q4_0").build()));
        assertTrue(
                blocks.getMessage().contains("blk.0.ffn_up.weight, row 4")
                        && blocks.getMessage().contains("float16"),
                blocks.getMessage());
        assertOnly(source, target);
    }

    @Test
    void theFileThatIsReadIsNotWritten() throws IOException {
        byte[] before = Files.readAllBytes(source);
        Path same = folder.resolve(".").resolve("source.gguf");
        Path link = Files.createSymbolicLink(folder.resolve("link.gguf"), source);
        for (Path place : List.of(source, same, link)) {
            var e = assertThrows(IllegalArgumentException.class, () -> quantize(place));
            assertTrue(e.getMessage().contains("another name"), e.getMessage());
        }
        assertArrayEquals(before, Files.readAllBytes(source));
    }

    @Test
    void placesThatCannotBeWrittenAreRefused() throws IOException {
        var missing = assertThrows(
                IOException.class, () -> quantize(folder.resolve("nowhere").resolve("x.gguf")));
        assertTrue(missing.getMessage().contains("there is no folder"), missing.getMessage());
        var directory = assertThrows(IOException.class, () -> quantize(folder));
        assertTrue(directory.getMessage().contains("is a folder"), directory.getMessage());
        assertOnly(source);
        assertThrows(
                NoSuchFileException.class,
                () -> ModelQuantizer.open(
                        folder.resolve("absent.gguf"),
                        QuantizationOptions.builder("q8_0").build()));
    }

    @Test
    void anInterruptedThreadLeavesNothing() throws IOException {
        try (ModelQuantizer quantizer = ModelQuantizer.open(
                source, QuantizationOptions.builder("q4_k_m").build())) {
            assertThrows(
                    InterruptedIOException.class,
                    () -> quantizer.write(
                            target, (done, total) -> Thread.currentThread().interrupt()));
            assertTrue(Thread.interrupted());
        }
        assertOnly(source);
    }
}
