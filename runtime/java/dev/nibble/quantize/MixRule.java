package dev.nibble.quantize;

import dev.nibble.gguf.TensorType;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One row of a mix: tensors of these kinds get this type where all conditions hold.
 *
 * @param kinds of tensors
 * @param type what they get
 * @param conditions all must hold
 */
record MixRule(Set<TensorKind> kinds, TensorType type, Set<Condition> conditions) {
    private static final Pattern LAYER = Pattern.compile("^blk\\.(\\d{1,6})\\.");

    MixRule(TensorKind kind, TensorType type, Condition... conditions) {
        this(Set.of(kind), type, Set.of(conditions));
    }

    /**
     * A tensor among those of its kind.
     *
     * @param kind what the tensor does
     * @param index its number in the model, from the first layer on
     * @param count all of them
     */
    record Place(TensorKind kind, int index, int count, ModelTraits model) {}

    /** When a rule holds. The fractions and layers are those that llama.cpp has found to pay. */
    enum Condition {
        FIRST_TWO(place -> place.index() < 2),
        FIRST_FOUR(place -> place.index() < 4),
        FIRST_SIXTEENTH(place -> place.index() < place.count() / 16),
        FIRST_EIGHTH(place -> place.index() < place.count() / 8),
        /** The first and the last eighth, and every third layer between. */
        ENDS_AND_THIRDS(place -> place.index() < place.count() / 8
                || place.index() >= 7 * place.count() / 8
                || (place.index() - place.count() / 8) % 3 == 2),
        SHARED_BY_FOUR(place -> place.model().sharing() >= 4),
        LARGE(place -> place.model().large()),
        EIGHT_EXPERTS(place -> place.model().experts() == 8),
        NOT_EIGHT_EXPERTS(place -> place.model().experts() != 8),
        TIED(place -> place.model().tied()),
        WEIGHTED(place -> place.model().weighted()),
        UNWEIGHTED(place -> !place.model().weighted());

        private final Predicate<Place> predicate;

        Condition(Predicate<Place> predicate) {
            this.predicate = predicate;
        }
    }

    /** The layer that a tensor's name says, 0 for those without. */
    static int layer(String tensor) {
        Matcher matcher = LAYER.matcher(tensor);
        return matcher.find() ? Integer.parseInt(matcher.group(1)) : 0;
    }

    /** Whether the rule is about this tensor. */
    boolean matches(Place place) {
        return kinds.contains(place.kind())
                && conditions.stream().allMatch(condition -> condition.predicate.test(place));
    }
}
