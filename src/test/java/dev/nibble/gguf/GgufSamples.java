package dev.nibble.gguf;

import dev.nibble.GoldenData;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.opentest4j.TestAbortedException;

/** Small valid files, from which broken ones are made. */
final class GgufSamples {
    private GgufSamples() {}

    /** Five files; the golden one among them is replaced by another where there is no golden data. */
    static List<byte[]> all(Path folder) throws IOException {
        Path path = folder.resolve("sample.gguf");
        List<byte[]> files =
                new ArrayList<>(List.of(vocabulary(), everyType(path), model(path, 3, 32), model(path, 2, 64)));
        try {
            files.add(Files.readAllBytes(GoldenData.path("dequant/types.gguf")));
        } catch (TestAbortedException e) {
            files.add(model(path, 3, 4096));
        }
        return files;
    }

    /** Many short strings, some of them not UTF-8. */
    private static byte[] vocabulary() {
        GgufBytes bytes = GgufBytes.header(3, 0, 3)
                .key("tokenizer.ggml.tokens", MetadataType.ARRAY)
                .int32(MetadataType.STRING.id())
                .int64(300);
        for (int i = 0; i < 300; i++) {
            bytes.text(i % 10 == 0 ? "\u00e2\u0096" : Integer.toString(i, 36));
        }
        bytes.key("tokenizer.ggml.scores", MetadataType.ARRAY)
                .int32(MetadataType.FLOAT32.id())
                .int64(300)
                .zeros(1200);
        return bytes.key("tokenizer.ggml.model", MetadataType.STRING)
                .text("llama")
                .bytes();
    }

    private static byte[] everyType(Path path) throws IOException {
        Metadata.Builder builder = Metadata.builder();
        Stream.of(MetadataType.values()).filter(type -> type.bytes() > 0).forEach(type -> {
            builder.put("one." + type, new MetadataValue.Scalar(type, 1));
            builder.put("many." + type, new MetadataValue.Numbers(type, ByteBuffer.allocate(3 * type.bytes())));
        });
        MetadataValue.Array texts = new MetadataValue.Texts(List.of("x", "yz"));
        MetadataValue.Array ints = new MetadataValue.Numbers(MetadataType.INT32, ByteBuffer.allocate(8));
        builder.put("nested", new MetadataValue.Nested(List.of(texts, ints, new MetadataValue.Nested(List.of(ints)))));
        try (GgufWriter writer = new GgufWriter(path, builder.build())) {
            writer.finish();
        }
        return Files.readAllBytes(path);
    }

    /** Layers of small tensors of several types. */
    private static byte[] model(Path path, int version, int alignment) throws IOException {
        Metadata metadata = Metadata.builder()
                .string("general.architecture", "llama")
                .uint32("general.alignment", alignment)
                .uint32("llama.block_count", 4)
                .float32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
                .build();
        List<TensorType> types = List.of(TensorType.F32, TensorType.Q8_0, TensorType.Q4_0, TensorType.BF16);
        try (GgufWriter writer = new GgufWriter(path, metadata)) {
            List<TensorInfo> tensors = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                String name = "blk." + i / 3 + ".w" + i % 3;
                tensors.add(writer.declare(name, types.get(i % 4), List.of(32L, 1L + i % 5)));
            }
            Random random = new Random(1);
            for (TensorInfo tensor : tensors) {
                byte[] data = new byte[(int) tensor.bytes()];
                random.nextBytes(data);
                writer.write(MemorySegment.ofArray(data));
            }
            writer.finish();
        }
        byte[] bytes = Files.readAllBytes(path);
        bytes[4] = (byte) version;
        return bytes;
    }
}
