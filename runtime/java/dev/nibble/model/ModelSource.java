package dev.nibble.model;

import dev.nibble.device.WeightSource;
import dev.nibble.gguf.Metadata;
import java.util.Optional;

/** Where a model comes from: a GGUF file, or a generator of synthetic weights. Thread-safe. */
public interface ModelSource extends AutoCloseable {
    /** The model's metadata. */
    Metadata metadata();

    /** The hyperparameters that the metadata holds. */
    ModelConfig config();

    /** What its mixture of types is called; empty if nothing says. */
    default Optional<String> mixture() {
        return Optional.empty();
    }

    /** The tensor of this name, checked against the shape that the role must have; empty if the model has none. */
    Optional<WeightSource> find(TensorRole role, int layer);

    /** Where a fault in the tensors is reported: the file, or the synthetic model's name. */
    RuntimeException missing(String tensor);

    /** Frees mapped memory; all weight sources end with it. Closing again does nothing. */
    @Override
    void close();
}
