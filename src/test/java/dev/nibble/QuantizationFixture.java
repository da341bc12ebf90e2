package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.TensorInfo;
import dev.nibble.quant.BlockFormat;
import dev.nibble.quantize.FloatModel;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A float model in a folder, and what tests ask of the files made of it. */
abstract class QuantizationFixture {
    static final int WIDTH = 512;

    @TempDir
    Path folder;

    final FloatModel model = FloatModel.mixed(WIDTH);
    Path source;
    Path target;

    @BeforeEach
    void write() throws IOException {
        source = folder.resolve("source.gguf");
        target = folder.resolve("target.gguf");
        model.write(source);
    }

    void quantize(QuantizationOptions options) throws IOException {
        try (ModelQuantizer quantizer = ModelQuantizer.open(source, options)) {
            quantizer.write(target, (done, total) -> {});
        }
    }

    void quantize(Path to) throws IOException {
        QuantizationOptions options = QuantizationOptions.builder("q4_0").build();
        try (ModelQuantizer quantizer = ModelQuantizer.open(source, options)) {
            quantizer.write(to, (done, total) -> {});
        }
    }

    Map<String, String> plannedTypes(QuantizationOptions options) throws IOException {
        try (ModelQuantizer quantizer = ModelQuantizer.open(source, options)) {
            return types(quantizer);
        }
    }

    static Map<String, String> types(ModelQuantizer quantizer) {
        Map<String, String> types = new LinkedHashMap<>();
        quantizer.tensors().forEach(tensor -> types.put(tensor.name(), tensor.newType()));
        return types;
    }

    void assertRefused(QuantizationOptions options, Class<? extends Throwable> type, String... parts) {
        var e = assertThrows(type, () -> quantize(options));
        for (String part : parts) {
            assertTrue(Objects.requireNonNull(e.getMessage()).contains(part), part + " is not in: " + e.getMessage());
        }
        assertFalse(Files.exists(target));
    }

    void assertOnly(Path... expected) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(
                    Arrays.stream(expected).sorted().toList(), files.sorted().toList());
        }
    }

    byte[] bytes(String tensor) throws IOException {
        try (GgufFile file = GgufFile.open(target)) {
            return file.data(file.tensor(tensor)).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    static byte[] encode(BlockFormat format, float[] values, float[] importance) {
        byte[] bytes = new byte[(int) format.type().rowBytes(values.length)];
        format.encode(values, 0, values.length, importance, MemorySegment.ofArray(bytes), 0);
        return bytes;
    }

    static float[] values(GgufFile file, TensorInfo tensor) {
        float[] values = new float[(int) tensor.elements()];
        BlockFormat.of(tensor.type()).decode(file.data(tensor), 0, values, 0, values.length);
        return values;
    }

    static double relativeError(float[] source, float[] decoded) {
        double error = 0;
        double norm = 0;
        for (int i = 0; i < source.length; i++) {
            double difference = source[i] - (double) decoded[i];
            error += difference * difference;
            norm += source[i] * (double) source[i];
        }
        return Math.sqrt(error / norm);
    }
}
