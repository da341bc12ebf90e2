package dev.nibble.quant;

import dev.nibble.InvalidModelException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorInfo;
import dev.nibble.gguf.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * How much each column of a model's matrices matters: sums of the squared activations that met it while the model read a
 * text. As a file it is the GGUF that llama.cpp calls an importance matrix ({@code general.type = imatrix}): for a tensor
 * NAME the float32 tensors {@code NAME.in_sum2} (columns, experts) and {@code NAME.counts} (1, experts).
 *
 * @param tensors by the name of the tensor in the model, e.g. {@code blk.0.ffn_up.weight}
 * @param datasets what the texts were called
 * @param chunks pieces of text that were read
 * @param chunkSize tokens of a piece
 */
public record Importance(Map<String, ColumnSums> tensors, List<String> datasets, int chunks, int chunkSize) {
    private static final String TYPE_KEY = "general.type";
    private static final String TYPE = "imatrix";
    private static final String DATASETS_KEY = "imatrix.datasets";
    private static final String CHUNKS_KEY = "imatrix.chunk_count";
    private static final String CHUNK_SIZE_KEY = "imatrix.chunk_size";
    private static final String SUMS = ".in_sum2";
    private static final String COUNTS = ".counts";
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Copies the collections. */
    public Importance {
        tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
        datasets = List.copyOf(datasets);
    }

    /**
     * The activations that met one tensor. The arrays are not copied.
     *
     * @param sums (experts, columns): sum of the squares of each column's activations
     * @param counts (experts): rows of activations in each sum
     */
    public record ColumnSums(float[] sums, float[] counts) {
        /**
         * Checks the numbers.
         *
         * @throws IllegalArgumentException if the sums are no multiple of the counts in number, or if one of them is negative
         *     or not finite
         */
        public ColumnSums {
            if (counts.length == 0 || sums.length == 0 || sums.length % counts.length != 0) {
                throw new IllegalArgumentException(
                        sums.length + " sums are not the columns of " + counts.length + " matrices");
            }
            requireCounts("sum", sums);
            requireCounts("count", counts);
        }

        /** Values of a row of the tensor. */
        public int columns() {
            return sums.length / counts.length;
        }

        /** Matrices of the tensor. */
        public int experts() {
            return counts.length;
        }

        /** The mean square of each column's activations; null if no activation met this matrix, so that nothing is known. */
        public float @Nullable [] meanSquares(int expert) {
            if (counts[expert] == 0) {
                return null;
            }
            float[] means = new float[columns()];
            for (int i = 0; i < means.length; i++) {
                means[i] = sums[expert * means.length + i] / counts[expert];
            }
            return means;
        }

        private static void requireCounts(String what, float[] values) {
            for (int i = 0; i < values.length; i++) {
                if (!(values[i] >= 0 && values[i] < Float.POSITIVE_INFINITY)) {
                    throw new IllegalArgumentException(what + " " + i + " is " + values[i] + ", but a " + what
                            + " is neither negative nor infinite nor NaN");
                }
            }
        }
    }

    /**
     * Reads a file.
     *
     * @throws IOException if it cannot be read
     * @throws InvalidModelException if it is not an importance file, or not a valid one
     */
    public static Importance read(Path path) throws IOException {
        try (GgufFile file = GgufFile.open(path)) {
            Metadata metadata = file.metadata();
            String type = metadata.stringOr(TYPE_KEY, "");
            if (!type.equals(TYPE)) {
                throw new InvalidModelException(
                        path,
                        -1,
                        "this is no importance file: its metadata key " + TYPE_KEY + " is '" + type + "', not '" + TYPE
                                + "'; nibble calibrate writes such a file");
            }
            List<String> datasets = metadata.contains(DATASETS_KEY) ? metadata.strings(DATASETS_KEY) : List.of();
            return new Importance(
                    readTensors(path, file),
                    datasets,
                    metadata.intOr(CHUNKS_KEY, 0),
                    metadata.intOr(CHUNK_SIZE_KEY, 0));
        }
    }

    private static Map<String, ColumnSums> readTensors(Path path, GgufFile file) {
        Map<String, ColumnSums> tensors = new LinkedHashMap<>();
        for (TensorInfo sums : file.tensors()) {
            if (!sums.name().endsWith(SUMS)) {
                continue;
            }
            String name = sums.name().substring(0, sums.name().length() - SUMS.length());
            TensorInfo counts = file.tensor(name + COUNTS);
            if (counts.columns() != 1 || counts.elements() != sums.rows() * sums.matrices()) {
                throw new InvalidModelException(
                        path,
                        -1,
                        sums.name() + " is of " + sums.dimensions() + " values, but " + counts.name() + " of "
                                + counts.dimensions());
            }
            try {
                tensors.put(name, new ColumnSums(floats(path, file, sums), floats(path, file, counts)));
            } catch (IllegalArgumentException e) {
                throw new InvalidModelException(path, -1, "of " + name + ", " + e.getMessage());
            }
        }
        return tensors;
    }

    private static float[] floats(Path path, GgufFile file, TensorInfo tensor) {
        if (tensor.type() != TensorType.F32) {
            throw new InvalidModelException(path, -1, tensor.name() + " is of type " + tensor.type() + ", not F32");
        }
        return file.data(tensor).toArray(FLOAT);
    }

    /**
     * Writes a file, whole or not at all; one that stands there is replaced.
     *
     * @throws IOException if it cannot be written
     */
    public void write(Path path) throws IOException {
        Metadata metadata = Metadata.builder()
                .string(TYPE_KEY, TYPE)
                .strings(DATASETS_KEY, datasets)
                .uint32(CHUNKS_KEY, chunks)
                .uint32(CHUNK_SIZE_KEY, chunkSize)
                .build();
        Map<String, ColumnSums> sorted = new TreeMap<>(tensors);
        try (GgufWriter writer = new GgufWriter(path, metadata)) {
            sorted.forEach((name, tensor) -> {
                long experts = tensor.experts();
                writer.declare(name + SUMS, TensorType.F32, List.of((long) tensor.columns(), experts));
                writer.declare(name + COUNTS, TensorType.F32, List.of(1L, experts));
            });
            for (ColumnSums tensor : sorted.values()) {
                writer.write(bytes(tensor.sums()));
                writer.write(bytes(tensor.counts()));
            }
            writer.finish();
        }
    }

    private static MemorySegment bytes(float[] values) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Float.BYTES]);
        MemorySegment.copy(values, 0, bytes, FLOAT, 0, values.length);
        return bytes;
    }
}
