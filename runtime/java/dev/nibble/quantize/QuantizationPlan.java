package dev.nibble.quantize;

import dev.nibble.gguf.GgufFile;
import dev.nibble.quant.Importance;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which tensor of a file gets which type.
 *
 * @param tensors in the order of the file
 * @param notes what is not as the mix says, one line each
 */
public record QuantizationPlan(List<PlannedTensor> tensors, List<String> notes) {
    /** Copies the lists. */
    public QuantizationPlan {
        tensors = List.copyOf(tensors);
        notes = List.copyOf(notes);
    }

    /**
     * Where importance comes from.
     *
     * @param path the file, for messages
     */
    public record ImportanceFile(Path path, Importance content) {}

    /**
     * Plans a file.
     *
     * @param importance of the columns of the model's tensors; null: all the same
     * @throws IllegalArgumentException if an explicit type does not fit a tensor or is for none, if a tensor would be quantized
     *     a second time and that is not allowed, or if nothing would use the importance
     * @throws dev.nibble.InvalidModelException if the importance is not that of this model
     * @throws dev.nibble.UnsupportedFeatureException if a tensor cannot be decoded
     */
    public static QuantizationPlan of(GgufFile file, Recipe recipe, @Nullable ImportanceFile importance) {
        return new Planner(file, recipe, importance).plan();
    }

    /** The bytes of all tensors as they will be. */
    public long bytes() {
        return tensors.stream().mapToLong(PlannedTensor::bytes).sum();
    }
}
