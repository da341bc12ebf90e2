package dev.nibble;

import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.Importance;
import dev.nibble.quantize.FileQuantizer;
import dev.nibble.quantize.Mix;
import dev.nibble.quantize.PlannedTensor;
import dev.nibble.quantize.QuantizationPlan;
import dev.nibble.quantize.QuantizationPlan.ImportanceFile;
import dev.nibble.quantize.QuantizedMetadata;
import dev.nibble.quantize.Recipe;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes a smaller model file of a large one, after training: its matrices are written anew with fewer bits per weight.
 *
 * <pre>{@code
 * QuantizationOptions options = QuantizationOptions.builder("q4_k_m").build();
 * try (ModelQuantizer quantizer = ModelQuantizer.open(Path.of("model-f16.gguf"), options)) {
 *     quantizer.write(Path.of("model-q4_k_m.gguf"), (done, total) -> {});
 * }
 * }</pre>
 *
 * <p>Tensors pass through one after the other, so that a model of any size needs little memory.
 */
public final class ModelQuantizer implements AutoCloseable {
    private final GgufFile file;
    private final QuantizationPlan plan;
    private final Metadata metadata;
    private final int threads;

    private ModelQuantizer(GgufFile file, QuantizationPlan plan, Metadata metadata, int threads) {
        this.file = file;
        this.plan = plan;
        this.metadata = metadata;
        this.threads = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    }

    /**
     * What becomes of a tensor.
     *
     * @param name unique in the file
     * @param dimensions their lengths, that of a row first
     * @param type how its values are stored: {@code F16} ...
     * @param newType how they will be stored; the same: the tensor is copied
     * @param bytes the bytes that the values take
     * @param newBytes the bytes that they will take
     */
    public record Tensor(String name, List<Long> dimensions, String type, String newType, long bytes, long newBytes) {}

    /** Hears how far the writing is. */
    @FunctionalInterface
    public interface Progress {
        /**
         * @param doneBytes bytes of tensors that are read, quantized and written
         * @param totalBytes bytes of all tensors
         */
        void accept(long doneBytes, long totalBytes);
    }

    /** The types and mixes that there are. */
    public static List<String> types() {
        return Arrays.stream(Mix.values()).map(Mix::id).toList();
    }

    /**
     * Opens a model file, split ones as a whole, and plans what becomes of each tensor. Nothing is written yet.
     *
     * @throws IOException if it, or the importance file, cannot be read
     * @throws IllegalArgumentException if the options name no type or do not fit this file, or if it is quantized already and
     *     that is not allowed
     * @throws InvalidModelException if it is no valid GGUF file, or the importance is that of another model
     * @throws UnsupportedFeatureException if a tensor cannot be decoded
     */
    public static ModelQuantizer open(Path path, QuantizationOptions options) throws IOException {
        Recipe recipe = recipe(options);
        Path importancePath = options.importance();
        ImportanceFile importance =
                importancePath == null ? null : new ImportanceFile(importancePath, Importance.read(importancePath));
        GgufFile file = GgufFile.open(path);
        try {
            QuantizationPlan plan = QuantizationPlan.of(file, recipe, importance);
            Metadata metadata = QuantizedMetadata.of(file.metadata(), recipe.mix(), importance);
            return new ModelQuantizer(file, plan, metadata, options.threads());
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private static Recipe recipe(QuantizationOptions options) {
        return new Recipe(
                Mix.ofId(options.type()),
                options.pure(),
                type(options.outputType()),
                type(options.tokenEmbeddingType()),
                options.tensorTypes().stream().map(Recipe.Choice::of).toList(),
                options.allowRequantize());
    }

    private static @Nullable TensorType type(@Nullable String name) {
        return name == null ? null : Recipe.tensorType(name);
    }

    /** What becomes of the tensors, in the order of the file. */
    public List<Tensor> tensors() {
        return plan.tensors().stream().map(ModelQuantizer::tensor).toList();
    }

    /** What is not as the type or mix says, for people, one line each: tensors of odd shapes, or without importance. */
    public List<String> notes() {
        return plan.notes();
    }

    /**
     * Writes the new file. It stands under its name when all of it is on the disk, and not before; a failure leaves nothing.
     * Another file of this name is replaced.
     *
     * @throws IOException if it cannot be written; an {@link java.io.InterruptedIOException} if the thread is interrupted
     * @throws IllegalArgumentException if it is the file that is read
     * @throws OutOfCapacityException if the disk has not enough space
     * @throws InvalidModelException if a weight is NaN, infinite, or too large for its new type: names tensor, row and column
     */
    public void write(Path target, Progress progress) throws IOException {
        long total = plan.tensors().stream()
                .mapToLong(tensor -> tensor.source().bytes())
                .sum();
        new FileQuantizer(file, plan, threads).write(target, metadata, done -> progress.accept(done, total));
    }

    /** Closes the model file; closing again does nothing. */
    @Override
    public void close() {
        file.close();
    }

    private static Tensor tensor(PlannedTensor tensor) {
        return new Tensor(
                tensor.source().name(),
                tensor.source().dimensions(),
                tensor.source().type().name(),
                tensor.type().name(),
                tensor.source().bytes(),
                tensor.bytes());
    }
}
