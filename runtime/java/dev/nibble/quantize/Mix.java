package dev.nibble.quantize;

import static dev.nibble.gguf.TensorType.Q3_K;
import static dev.nibble.gguf.TensorType.Q4_K;
import static dev.nibble.gguf.TensorType.Q5_K;
import static dev.nibble.quantize.MixRule.Condition.EIGHT_EXPERTS;
import static dev.nibble.quantize.MixRule.Condition.ENDS_AND_THIRDS;
import static dev.nibble.quantize.MixRule.Condition.FIRST_EIGHTH;
import static dev.nibble.quantize.MixRule.Condition.FIRST_FOUR;
import static dev.nibble.quantize.MixRule.Condition.FIRST_SIXTEENTH;
import static dev.nibble.quantize.MixRule.Condition.FIRST_TWO;
import static dev.nibble.quantize.MixRule.Condition.LARGE;
import static dev.nibble.quantize.MixRule.Condition.NOT_EIGHT_EXPERTS;
import static dev.nibble.quantize.MixRule.Condition.SHARED_BY_FOUR;
import static dev.nibble.quantize.MixRule.Condition.TIED;
import static dev.nibble.quantize.MixRule.Condition.UNWEIGHTED;
import static dev.nibble.quantize.MixRule.Condition.WEIGHTED;
import static dev.nibble.quantize.TensorKind.ATTENTION_OUTPUT;
import static dev.nibble.quantize.TensorKind.DOWN;
import static dev.nibble.quantize.TensorKind.KEY;
import static dev.nibble.quantize.TensorKind.OUTPUT;
import static dev.nibble.quantize.TensorKind.TOKEN_EMBEDDING;

import dev.nibble.gguf.Metadata;
import dev.nibble.gguf.TensorType;
import dev.nibble.quantize.MixRule.Condition;
import dev.nibble.quantize.MixRule.Place;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The named mixes, one row each: the number by which {@code general.file_type} says it, the type that most matrices get, and the
 * matrices that get another; the first rule that matches decides. The mixes are those that llama.cpp's users know.
 */
public enum Mix {
    F32(0, TensorType.F32),
    F16(1, TensorType.F16),
    BF16(32, TensorType.BF16),
    Q8_0(7, TensorType.Q8_0),
    Q4_0(2, TensorType.Q4_0, new MixRule(DOWN, TensorType.Q4_1, WEIGHTED, FIRST_EIGHTH)),
    Q4_1(3, TensorType.Q4_1),
    Q5_0(8, TensorType.Q5_0, new MixRule(DOWN, TensorType.Q5_1, WEIGHTED, FIRST_EIGHTH)),
    Q5_1(9, TensorType.Q5_1),
    Q2_K(
            10,
            TensorType.Q2_K,
            valueRule(Q5_K, LARGE),
            valueRule(Q4_K, SHARED_BY_FOUR),
            valueRule(Q3_K),
            new MixRule(ATTENTION_OUTPUT, Q5_K, EIGHT_EXPERTS),
            new MixRule(ATTENTION_OUTPUT, Q3_K),
            new MixRule(DOWN, Q3_K)),
    Q2_K_S(
            21,
            TensorType.Q2_K,
            valueRule(Q5_K, LARGE, SHARED_BY_FOUR),
            valueRule(Q4_K, SHARED_BY_FOUR),
            new MixRule(DOWN, Q4_K, FIRST_EIGHTH)),
    Q3_K_S(11, Q3_K, valueRule(Q5_K, LARGE), new MixRule(ATTENTION_OUTPUT, Q5_K, EIGHT_EXPERTS)),
    Q3_K_M(
            12,
            Q3_K,
            valueRule(Q5_K, LARGE),
            valueRule(Q5_K, FIRST_TWO),
            valueRule(Q4_K),
            new MixRule(ATTENTION_OUTPUT, Q5_K, EIGHT_EXPERTS),
            new MixRule(ATTENTION_OUTPUT, Q4_K),
            new MixRule(DOWN, Q5_K, FIRST_SIXTEENTH),
            new MixRule(DOWN, Q4_K)),
    Q3_K_L(13, Q3_K, valueRule(Q5_K), new MixRule(ATTENTION_OUTPUT, Q5_K, NOT_EIGHT_EXPERTS), new MixRule(DOWN, Q5_K)),
    Q4_K_S(
            14,
            Q4_K,
            valueRule(Q5_K, LARGE),
            valueRule(Q5_K, FIRST_FOUR),
            new MixRule(ATTENTION_OUTPUT, Q5_K, EIGHT_EXPERTS),
            new MixRule(DOWN, Q5_K, FIRST_EIGHTH)),
    Q4_K_M(
            15,
            Q4_K,
            valueRule(TensorType.Q6_K, ENDS_AND_THIRDS),
            valueRule(Q5_K, LARGE),
            new MixRule(ATTENTION_OUTPUT, Q5_K, EIGHT_EXPERTS),
            new MixRule(DOWN, TensorType.Q6_K, ENDS_AND_THIRDS)),
    Q5_K_S(16, Q5_K),
    Q5_K_M(17, Q5_K, valueRule(TensorType.Q6_K, ENDS_AND_THIRDS), new MixRule(DOWN, TensorType.Q6_K, ENDS_AND_THIRDS)),
    Q6_K(18, TensorType.Q6_K),
    IQ4_NL(
            25,
            TensorType.IQ4_NL,
            valueRule(Q5_K, SHARED_BY_FOUR),
            new MixRule(ATTENTION_OUTPUT, Q5_K, EIGHT_EXPERTS),
            new MixRule(DOWN, Q5_K, UNWEIGHTED, FIRST_EIGHTH)),
    IQ4_XS(
            30,
            TensorType.IQ4_XS,
            valueRule(Q5_K, SHARED_BY_FOUR),
            new MixRule(ATTENTION_OUTPUT, Q5_K, EIGHT_EXPERTS),
            new MixRule(DOWN, Q5_K, UNWEIGHTED, FIRST_EIGHTH));

    /** Before the rules of every mix: what hardly adds to the file of a model with few, large experts. */
    private static final List<MixRule> EXPERT_RULES =
            List.of(valueRule(TensorType.Q8_0, EIGHT_EXPERTS), new MixRule(KEY, TensorType.Q8_0, EIGHT_EXPERTS));

    /** In every mix below eight bits: the last matrix, whose errors reach the logits undamped. */
    private static final List<MixRule> OUTPUT_RULES =
            List.of(new MixRule(OUTPUT, TensorType.Q6_K), new MixRule(TOKEN_EMBEDDING, TensorType.Q6_K, TIED));

    private final int fileType;
    private final TensorType base;
    private final List<MixRule> rules;

    Mix(int fileType, TensorType base, MixRule... rules) {
        this.fileType = fileType;
        this.base = base;
        this.rules = List.of(rules);
    }

    private static MixRule valueRule(TensorType type, Condition... conditions) {
        Set<TensorKind> kinds = EnumSet.copyOf(
                Arrays.stream(TensorKind.values()).filter(TensorKind::isValue).toList());
        return new MixRule(kinds, type, Set.of(conditions));
    }

    /**
     * The mix of this name; the k types without a size are the middle one.
     *
     * @throws IllegalArgumentException if there is none, naming those that there are
     */
    public static Mix ofId(String id) {
        String name = switch (id.toLowerCase(Locale.ROOT)) {
            case "q2_k_m" -> "q2_k";
            case "q3_k", "q4_k", "q5_k" -> id + "_m";
            default -> id;
        };
        return Arrays.stream(values())
                .filter(mix -> mix.id().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("there is no type '" + id + "' to quantize to; there are "
                                + Arrays.stream(values()).map(Mix::id).collect(Collectors.joining(", "))));
    }

    /** The name by which it is asked for. */
    public String id() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The number by which a file says it. */
    int fileType() {
        return fileType;
    }

    /** The type that most matrices get. */
    TensorType base() {
        return base;
    }

    /**
     * The type of a matrix of a model that is quantized without importance of columns.
     *
     * @param tensor its name
     * @param metadata of the model
     * @param tied whether the token embedding is the output matrix as well
     */
    public TensorType typeOf(String tensor, Metadata metadata, boolean tied) {
        ModelTraits traits = ModelTraits.of(metadata, tied, false);
        return typeOf(new Place(TensorKind.of(tensor), MixRule.layer(tensor), traits.layers(), traits));
    }

    /** The type of a matrix. */
    TensorType typeOf(Place place) {
        if (base.blockLength() == 1) {
            return base;
        }
        List<MixRule> first = base == TensorType.Q8_0 ? List.of() : OUTPUT_RULES;
        return Stream.of(first, EXPERT_RULES, rules)
                .flatMap(List::stream)
                .filter(rule -> rule.matches(place))
                .findFirst()
                .map(MixRule::type)
                .orElse(base);
    }
}
