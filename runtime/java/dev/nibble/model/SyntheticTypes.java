package dev.nibble.model;

import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Which types the tensors of a synthetic model have. */
@FunctionalInterface
interface SyntheticTypes {
    /** The name of {@link #dynamicOneBit}. */
    String DYNAMIC_ONE_BIT = "ud-iq1_s";

    /** The type of a matrix or table. */
    TensorType of(TensorRole role, int layer, ModelConfig config);

    /**
     * The types of a name.
     *
     * @param id a block format's, {@link #DYNAMIC_ONE_BIT}, or a mixture's
     * @param mixtures by their names
     * @param bound what becomes of a mixture
     * @throws IllegalArgumentException if there is none, naming those that there are
     */
    static SyntheticTypes ofId(
            String id,
            Map<String, SyntheticModel.Mixture> mixtures,
            Function<SyntheticModel.Mixture, SyntheticTypes> bound) {
        if (id.equals(DYNAMIC_ONE_BIT)) {
            return SyntheticTypes::dynamicOneBit;
        }
        Optional<TensorType> pure =
                formats().filter(format -> id(format).equals(id)).findFirst().map(BlockFormat::type);
        return pure.<SyntheticTypes>map(type -> (role, layer, config) -> type)
                .or(() -> Optional.ofNullable(mixtures.get(id)).map(bound))
                .orElseThrow(() -> new IllegalArgumentException("no synthetic weights of type '" + id + "'; there are "
                        + Stream.of(
                                        formats().map(SyntheticTypes::id),
                                        Stream.of(DYNAMIC_ONE_BIT),
                                        mixtures.keySet().stream().sorted())
                                .flatMap(names -> names)
                                .distinct()
                                .collect(Collectors.joining(", "))));
    }

    private static Stream<BlockFormat> formats() {
        return Arrays.stream(BlockFormat.values()).filter(EncodedNoise::has);
    }

    private static String id(BlockFormat format) {
        return format.name().toLowerCase(Locale.ROOT);
    }

    /**
     * The mix of the best known file of DeepSeek R1, of 131 GB, which spends its bits on what every token uses: see Unsloth's
     * {@code DeepSeek-R1-UD-IQ1_S}.
     */
    private static TensorType dynamicOneBit(TensorRole role, int layer, ModelConfig config) {
        return switch (role) {
            case OUTPUT, LATENT, KEY_TURNED, KEY_UP, VALUE_UP, KEY, VALUE, DOWN, SHARED_DOWN -> TensorType.Q6_K;
            case SHARED_GATE, SHARED_UP -> TensorType.Q5_K;
            case EXPERT_DOWN -> layer < FIRST_WITHOUT_MORE_BITS ? TensorType.IQ2_XXS : TensorType.IQ1_S;
            case EXPERT_GATE, EXPERT_UP -> TensorType.IQ1_S;
            default -> TensorType.Q4_K;
        };
    }

    /** The first six layers with experts, after three without, have down matrices of more bits. */
    int FIRST_WITHOUT_MORE_BITS = 9;
}
