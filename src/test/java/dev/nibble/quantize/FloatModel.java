package dev.nibble.quantize;

import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A small file in float32 with tensors of every role, of seeded noise; not meant to be run. */
public final class FloatModel {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Random random = new Random(3);
    private final Metadata.Builder metadata = Metadata.builder()
            .string("general.architecture", "llama")
            .string("general.name", "noise")
            .uint32("llama.attention.head_count", 8)
            .strings("tokenizer.ggml.tokens", List.of("a", "b"));
    private final Map<String, float[]> values = new LinkedHashMap<>();
    private final Map<String, List<Long>> dimensions = new LinkedHashMap<>();

    /** A model without output matrix or layers. */
    public FloatModel(int width) {
        tensor("token_embd.weight", width, 8);
        tensor("output_norm.weight", width);
    }

    /** Two layers, the second of experts. */
    public static FloatModel mixed(int width) {
        return new FloatModel(width)
                .tensor("output.weight", width, 8)
                .tensor("blk.0.attn_norm.weight", width)
                .tensor("blk.0.attn_v.weight", width, 4)
                .tensor("blk.0.ffn_up.weight", width, 24)
                .tensor("blk.0.ffn_down.weight", width, 40)
                .tensor("blk.1.ffn_gate_inp.weight", width, 3)
                .tensor("blk.1.ffn_up_exps.weight", width, 16, 3);
    }

    /** Adds a tensor of noise; its row length first. */
    public FloatModel tensor(String name, long... lengths) {
        long count = Arrays.stream(lengths).reduce(1, (a, b) -> a * b);
        float[] noise = new float[Math.toIntExact(count)];
        for (int i = 0; i < noise.length; i++) {
            noise[i] = (float) (0.05 * random.nextGaussian());
        }
        values.put(name, noise);
        dimensions.put(name, Arrays.stream(lengths).boxed().toList());
        return this;
    }

    /** Sets one value. */
    public FloatModel set(String name, int index, float value) {
        values(name)[index] = value;
        return this;
    }

    /** The values of a tensor. */
    public float[] values(String name) {
        float[] found = values.get(name);
        if (found == null) {
            throw new IllegalArgumentException(name);
        }
        return found;
    }

    /** The metadata, to add to. */
    public Metadata.Builder metadata() {
        return metadata;
    }

    /** Writes the file. */
    public Path write(Path path) throws IOException {
        return write(path, List.copyOf(values.keySet()));
    }

    /** Writes some of the tensors. */
    public Path write(Path path, List<String> names) throws IOException {
        try (GgufWriter writer = new GgufWriter(path, metadata.build())) {
            for (String name : names) {
                writer.declare(name, TensorType.F32, dimensions.get(name));
            }
            for (String name : names) {
                writer.write(bytes(values(name)));
            }
            writer.finish();
        }
        return path;
    }

    private static MemorySegment bytes(float[] values) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Float.BYTES]);
        MemorySegment.copy(values, 0, bytes, FLOAT, 0, values.length);
        return bytes;
    }
}
