package dev.nibble.model;

import dev.nibble.InvalidModelException;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A model in a GGUF file; its weights stay in the mapped file until a device loads them. */
public final class GgufModel implements ModelSource {
    private final GgufFile file;
    private final ModelConfig config;
    private final LatentTensors latent;

    /**
     * Reads the hyperparameters; the file is closed with the model.
     *
     * @throws InvalidModelException if metadata or the token embedding are missing or make no sense
     */
    public GgufModel(GgufFile file) {
        this.file = file;
        TensorInfo embedding = file.tensor(TensorRole.TOKEN_EMBEDDING.tensorName(0));
        this.config = ModelConfig.of(file.metadata(), Math.toIntExact(embedding.rows()));
        this.latent = new LatentTensors(config, this::find, this::missing);
    }

    @Override
    public Metadata metadata() {
        return file.metadata();
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public Optional<WeightSource> find(TensorRole role, int layer) {
        if (LatentTensors.has(role)) {
            return Optional.of(latent.tensor(role, layer));
        }
        return file.find(role.tensorName(layer))
                .map(tensor -> source(tensor, role.shape(config), role.matrices(config)));
    }

    @Override
    public RuntimeException missing(String tensor) {
        return new InvalidModelException(
                file.path(),
                -1,
                "the tensor " + tensor + " that an " + config.architecture().id() + " model needs is missing");
    }

    @Override
    public void close() {
        file.close();
    }

    /** A tensor of latent attention, of which the file has several forms. */
    private Optional<WeightSource> find(String name, TensorRole.Shape shape, int matrices) {
        return file.find(name).map(tensor -> source(tensor, shape, matrices));
    }

    private WeightSource source(TensorInfo tensor, TensorRole.Shape wanted, int matrices) {
        if (tensor.columns() != wanted.columns() || tensor.rows() != wanted.rows() || tensor.matrices() != matrices) {
            throw new InvalidModelException(
                    file.path(),
                    -1,
                    "the tensor " + tensor.name() + " has the dimensions " + tensor.dimensions()
                            + "; the metadata ask for [" + wanted.columns() + ", " + wanted.rows()
                            + (matrices > 1 ? ", " + matrices : "") + "]");
        }
        return new FileWeight(
                new WeightShape(tensor.name(), tensor.type(), matrices, wanted.rows(), wanted.columns()),
                file.data(tensor));
    }

    /** Rows of a tensor, straight from the mapped file. */
    private record FileWeight(WeightShape shape, MemorySegment data) implements WeightSource {
        @Override
        public MemorySegment rows(long firstRow, int count) {
            long rowBytes = shape.rowBytes();
            return data.asSlice(firstRow * rowBytes, count * rowBytes);
        }
    }
}
