package dev.nibble.model;

import dev.nibble.device.WeightSource;
import dev.nibble.gguf.Metadata;
import java.util.Optional;

/**
 * A model of which only a part of every layer is seen.
 *
 * @param whole the model, which is not closed with this
 * @param share which part
 */
record ModelShare(ModelSource whole, TensorShare share) implements ModelSource {
    @Override
    public Metadata metadata() {
        return whole.metadata();
    }

    @Override
    public ModelConfig config() {
        return share.config(whole.config());
    }

    @Override
    public Optional<WeightSource> find(TensorRole role, int layer) {
        return whole.find(role, layer)
                .filter(source -> share.has(role))
                .map(source -> share.part(whole.config(), role, source));
    }

    @Override
    public RuntimeException missing(String tensor) {
        return whole.missing(tensor);
    }

    @Override
    public void close() {
        // The whole model is another's.
    }
}
