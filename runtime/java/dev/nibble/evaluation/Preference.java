package dev.nibble.evaluation;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What matters most in the choice of a quantization. Loss is the mean Kullback–Leibler divergence from the base, in nats. */
public enum Preference {
    /** The fastest of those whose loss hardly shows. */
    BALANCE(0.01, "the fastest of those"),
    /** The least loss, and of what loses next to nothing more, the smallest. */
    QUALITY(Double.POSITIVE_INFINITY, "of these it loses least, or next to nothing more than the least and is smaller"),
    /** The fastest of those whose loss is tolerable. */
    SPEED(0.05, "the fastest of those"),
    /** The smallest of those whose loss is tolerable. */
    MEMORY(0.05, "the smallest of those");

    /** Speeds so near to each other are the same. */
    private static final double SAME_SPEED = 0.97;

    /** Losses so near to each other are the same. */
    private static final double SAME_LOSS = 0.001;

    private static final Comparator<Trial> LEAST_LOSS = Comparator.comparingDouble(Trial::loss);
    private static final Comparator<Trial> LEAST_MEMORY =
            Comparator.comparingLong(Trial::memory).thenComparing(LEAST_LOSS);

    private final double tolerance;
    private final String rule;

    Preference(double tolerance, String rule) {
        this.tolerance = tolerance;
        this.rule = rule;
    }

    /** The most loss that it accepts, if there is a choice. */
    public double tolerance() {
        return tolerance;
    }

    /**
     * Chooses.
     *
     * @param limit the most memory
     * @return empty if nothing fits
     */
    Optional<Trial> choose(List<Trial> trials, long limit) {
        List<Trial> fitting =
                trials.stream().filter(trial -> trial.memory() <= limit).toList();
        List<Trial> tolerable =
                fitting.stream().filter(trial -> trial.loss() <= tolerance).toList();
        if (tolerable.isEmpty()) {
            return fitting.stream().min(LEAST_LOSS);
        }
        double least = tolerable.stream().mapToDouble(Trial::loss).min().orElseThrow();
        double fastest = tolerable.stream()
                .mapToDouble(trial -> trial.speed().generation())
                .max()
                .orElseThrow();
        return tolerable.stream()
                .filter(trial -> switch (this) {
                    case QUALITY -> trial.loss() <= least + SAME_LOSS;
                    case BALANCE, SPEED -> trial.speed().generation() >= fastest * SAME_SPEED;
                    case MEMORY -> true;
                })
                .min(LEAST_MEMORY);
    }

    /** Why it chose so, for people. */
    String reason(List<Trial> trials, long limit, Trial chosen) {
        long fitting = trials.stream().filter(trial -> trial.memory() <= limit).count();
        long tolerable = trials.stream()
                .filter(trial -> trial.memory() <= limit && trial.loss() <= tolerance)
                .count();
        String fits = limit == Long.MAX_VALUE
                ? trials.size() + " were measured"
                : "of " + trials.size() + " that were measured, " + fitting + " fit the memory";
        if (tolerable == 0) {
            return String.format(
                    Locale.ROOT, "%s; none loses as little as %s nats, and this loses least", fits, tolerance);
        }
        return this == QUALITY
                ? fits + "; " + rule
                : String.format(
                        Locale.ROOT,
                        "%s; %d of them lose at most %s nats, and this is %s%s",
                        fits,
                        tolerable,
                        tolerance,
                        rule,
                        chosen.isBase() ? ", so quantizing would gain nothing" : "");
    }
}
