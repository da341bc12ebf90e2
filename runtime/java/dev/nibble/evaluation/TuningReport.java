package dev.nibble.evaluation;

import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a tuning has found.
 *
 * @param model the model's name
 * @param device what it was measured on
 * @param contextLength tokens of context that the memory is for
 * @param memoryLimit the most memory; {@code Long.MAX_VALUE}: none was given
 * @param preference what matters most
 * @param steps what was done, a line each
 * @param trials in the order in which they were measured, the base first
 * @param recommended one of them; null if nothing fits the memory
 * @param reason why this one
 */
public record TuningReport(
        String model,
        String device,
        int contextLength,
        long memoryLimit,
        Preference preference,
        List<String> steps,
        List<Trial> trials,
        @Nullable Trial recommended,
        String reason) {
    /** Copies the lists. */
    public TuningReport {
        steps = List.copyOf(steps);
        trials = List.copyOf(trials);
    }

    /** The trials that none beats in memory and in another cost at once, by rising memory. */
    public List<Trial> front(ToDoubleFunction<Trial> cost) {
        return trials.stream()
                .filter(trial -> trials.stream().noneMatch(other -> beats(other, trial, cost)))
                .sorted(Comparator.comparingLong(Trial::memory))
                .toList();
    }

    private static boolean beats(Trial one, Trial other, ToDoubleFunction<Trial> cost) {
        double mine = cost.applyAsDouble(one);
        double theirs = cost.applyAsDouble(other);
        return one.memory() <= other.memory() && mine <= theirs && (one.memory() < other.memory() || mine < theirs);
    }
}
