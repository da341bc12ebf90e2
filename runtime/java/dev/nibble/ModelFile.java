package dev.nibble;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.MetadataValue;
import dev.nibble.gguf.TensorInfo;
import dev.nibble.quant.BlockFormat;
import dev.nibble.tokenizer.EncodeOptions;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A model file that is looked at, not run: its metadata, its tensors and its vocabulary. Weights are not loaded, so a file of any size opens at
 * once. Safe for use by many threads.
 */
public final class ModelFile implements AutoCloseable {
    private static final int CHUNK_VALUES = 1 << 16;

    private final GgufFile file;
    private @Nullable Tokenizer tokenizer;

    private ModelFile(GgufFile file) {
        this.file = file;
    }

    /**
     * A value of the metadata.
     *
     * @param type as the file names it: {@code uint32}, {@code string}, {@code array of float32} …
     * @param value a {@code Long} (a {@code BigInteger} from 2^63 on), {@code Float}, {@code Double}, {@code Boolean},
     *     {@code String}, or a {@code List} of these or of lists
     */
    public record Value(String type, Object value) {}

    /**
     * A tensor.
     *
     * @param name unique in the file
     * @param type how its values are stored: {@code F32}, {@code Q4_K} …
     * @param dimensions their lengths, that of a row first
     * @param bytes the bytes that the values take
     */
    public record Tensor(String name, String type, List<Long> dimensions, long bytes) {
        /** The number of values. */
        public long values() {
            return dimensions.stream().reduce(1L, (a, b) -> a * b);
        }
    }

    /**
     * Opens a GGUF file; a split model opens as one file, whichever of its parts is named.
     *
     * @throws IOException if it cannot be read
     * @throws InvalidModelException if it is no valid GGUF file
     */
    public static ModelFile open(Path path) throws IOException {
        return new ModelFile(GgufFile.open(path));
    }

    /**
     * Opens the model that comes with the library.
     *
     * @throws IOException if its temporary copy cannot be written
     */
    public static ModelFile openDemo() throws IOException {
        return BundledModel.open(ModelFile::open);
    }

    /**
     * Writes the model that comes with the library to a file of one's own.
     *
     * @throws IOException if that cannot be written
     */
    public static void copyDemo(Path target) throws IOException {
        BundledModel.copyTo(target);
    }

    /** The version of the format. */
    public int version() {
        return file.version();
    }

    /** The size of the file; of all parts of a split model together. */
    public long fileBytes() {
        return file.fileBytes();
    }

    /** The metadata by key, in the order of the file. */
    public Map<String, Value> metadata() {
        Map<String, Value> values = new LinkedHashMap<>();
        for (String key : file.metadata().keys()) {
            MetadataValue value = file.metadata().typed(key);
            values.put(key, new Value(typeName(value), file.metadata().value(key)));
        }
        return values;
    }

    /** The tensors, in the order of the file. */
    public List<Tensor> tensors() {
        return file.tensors().stream().map(ModelFile::tensor).toList();
    }

    /**
     * Decodes a tensor to floats.
     *
     * @param sink takes the values in pieces, in order; a piece is valid until it returns
     * @throws IllegalArgumentException if there is no tensor of this name
     * @throws UnsupportedFeatureException if there is no decoder for its type
     */
    public void decode(String tensor, Consumer<float[]> sink) {
        TensorInfo info = file.find(tensor)
                .orElseThrow(
                        () -> new IllegalArgumentException("there is no tensor '" + tensor + "' in " + file.path()));
        BlockFormat format = BlockFormat.of(info.type());
        MemorySegment blocks = file.data(info);
        for (long done = 0; done < info.elements(); done += CHUNK_VALUES) {
            float[] values = new float[(int) Math.min(CHUNK_VALUES, info.elements() - done)];
            format.decode(blocks, info.type().rowBytes(done), values, 0, values.length);
            sink.accept(values);
        }
    }

    /**
     * The tokens of a prompt: special tokens in the text are recognised, and the model's own are added.
     *
     * @throws InvalidModelException if the file has no valid vocabulary
     */
    public int[] tokenize(String text) {
        return tokenizer().encode(text, EncodeOptions.PROMPT);
    }

    /**
     * The tokens of a text in which nothing is special, without those that the model adds.
     *
     * @throws InvalidModelException if the file has no valid vocabulary
     */
    public int[] tokenizePlain(String text) {
        return tokenizer().encode(text, EncodeOptions.PLAIN);
    }

    /**
     * The text of tokens.
     *
     * @throws IllegalArgumentException if one of them is not in the vocabulary
     * @throws InvalidModelException if the file has no valid vocabulary
     */
    public String detokenize(int... tokens) {
        int size = tokenizer().vocabulary().size();
        for (int token : tokens) {
            if (token < 0 || token >= size) {
                throw new IllegalArgumentException(
                        "token " + token + " is not in the vocabulary of " + size + " tokens");
            }
        }
        return tokenizer().decode(tokens);
    }

    /** A token as the vocabulary writes it, for people to look at. */
    public String piece(int token) {
        return tokenizer().vocabulary().text(token);
    }

    private synchronized Tokenizer tokenizer() {
        if (tokenizer == null) {
            tokenizer = Tokenizer.of(file.metadata());
        }
        return tokenizer;
    }

    /** Closes the file; closing again does nothing. */
    @Override
    public void close() {
        file.close();
    }

    private static Tensor tensor(TensorInfo info) {
        return new Tensor(info.name(), info.type().name(), info.dimensions(), info.bytes());
    }

    private static String typeName(MetadataValue value) {
        return value instanceof MetadataValue.Array array
                ? "array of " + array.elementType()
                : value.type().toString();
    }
}
