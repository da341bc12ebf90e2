package dev.nibble.model;

import dev.nibble.device.Gating;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A small model of the first blocks of another's tensors, and of as many layers as it takes to have all their types. */
public final class ModelCutout implements ModelSource {
    private static final int LEAST_LAYERS = 2;

    /** Columns of a cut-out matrix: whole blocks of every type. */
    private static final int COLUMNS = 256;

    private static final int VOCABULARY = 64;

    private final ModelSource whole;
    private final ModelConfig config;

    /** For each role, one tensor of each type that it has in any layer. */
    private final Map<TensorRole, List<WeightSource>> tensors = new EnumMap<>(TensorRole.class);

    /**
     * Cuts; nothing is copied.
     *
     * @param whole the model, which stays open and is not closed with this
     * @param all its tensors
     */
    public ModelCutout(ModelSource whole, List<Weights.Tensor> all) {
        this.whole = whole;
        Map<TensorRole, Set<TensorType>> seen = new EnumMap<>(TensorRole.class);
        for (Weights.Tensor tensor : all) {
            WeightSource source = tensor.source();
            if (seen.computeIfAbsent(tensor.role(), role -> EnumSet.noneOf(TensorType.class))
                    .add(source.shape().type())) {
                tensors.computeIfAbsent(tensor.role(), role -> new ArrayList<>())
                        .add(source);
            }
        }
        int layers = tensors.values().stream().mapToInt(List::size).max().orElse(1);
        this.config = config(whole.config(), Math.max(LEAST_LAYERS, layers));
    }

    private static ModelConfig config(ModelConfig whole, int layers) {
        int group = whole.heads() / whole.kvHeads();
        int kvHeads = 1;
        while (kvHeads < whole.kvHeads() && kvHeads * group * whole.valueSize() % COLUMNS != 0) {
            kvHeads++;
        }
        ExpertConfig experts = whole.experts();
        LatentConfig latent = whole.latent();
        return new ModelConfig(
                whole.architecture(),
                whole.contextLength(),
                Math.min(whole.width(), COLUMNS),
                layers,
                kvHeads * group,
                kvHeads,
                whole.keySize(),
                whole.valueSize(),
                Math.min(whole.feedForward(), COLUMNS),
                Math.min(whole.vocabulary(), VOCABULARY),
                whole.normEpsilon(),
                whole.rope(),
                experts == null ? null : cut(experts),
                latent == null ? null : cut(latent));
    }

    /** All experts that a token uses, in one group; a layer with each kind of feed-forward part. */
    private static ExpertConfig cut(ExpertConfig experts) {
        Gating gating = experts.gating();
        return new ExpertConfig(
                experts.used(),
                Math.min(experts.feedForward(), COLUMNS),
                new Gating(gating.function(), gating.used(), gating.normalize(), gating.scale()),
                Math.min(experts.shared(), COLUMNS),
                experts.sharedGate(),
                Math.min(experts.denseLayers(), 1));
    }

    private static LatentConfig cut(LatentConfig latent) {
        return new LatentConfig(
                Math.min(latent.queryRank(), COLUMNS),
                Math.min(latent.rank(), COLUMNS),
                latent.plain(),
                latent.turned());
    }

    @Override
    public Metadata metadata() {
        return whole.metadata();
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public Optional<WeightSource> find(TensorRole role, int layer) {
        List<WeightSource> found = tensors.getOrDefault(role, List.of());
        if (found.isEmpty()) {
            return Optional.empty();
        }
        WeightSource source = found.get(layer % found.size());
        TensorRole.Shape shape = role.shape(config);
        return Optional.of(new Corner(
                new WeightShape(
                        source.shape().name(),
                        source.shape().type(),
                        role.matrices(config),
                        shape.rows(),
                        shape.columns()),
                source));
    }

    @Override
    public RuntimeException missing(String tensor) {
        return whole.missing(tensor);
    }

    @Override
    public void close() {
        // The whole model is another's.
    }

    /** As many of a tensor's blocks as a smaller shape needs, from its beginning on. */
    private record Corner(WeightShape shape, WeightSource whole) implements WeightSource {
        @Override
        public MemorySegment rows(long firstRow, int count) {
            long begin = firstRow * shape.rowBytes();
            long end = begin + count * shape.rowBytes();
            int wholeRows = Math.toIntExact(Math.ceilDiv(end, whole.shape().rowBytes()));
            return whole.rows(0, wholeRows).asSlice(begin, end - begin);
        }
    }
}
