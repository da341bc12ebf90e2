package dev.nibble.evaluation;

import java.util.Arrays;

/**
 * How the values of a sample are spread.
 *
 * @param mean their mean
 * @param minimum the least
 * @param p1 1 % are below
 * @param p5 5 % are below
 * @param median half are below
 * @param p95 95 % are below
 * @param p99 99 % are below
 * @param p999 99.9 % are below
 * @param maximum the greatest
 */
public record Spread(
        Estimate mean,
        double minimum,
        double p1,
        double p5,
        double median,
        double p95,
        double p99,
        double p999,
        double maximum) {
    static Spread of(double[] sample) {
        double[] sorted = sample.clone();
        Arrays.sort(sorted);
        return new Spread(
                Estimate.mean(sample),
                sorted[0],
                percentile(sorted, 0.01),
                percentile(sorted, 0.05),
                percentile(sorted, 0.5),
                percentile(sorted, 0.95),
                percentile(sorted, 0.99),
                percentile(sorted, 0.999),
                sorted[sorted.length - 1]);
    }

    /** Linear between the two nearest values. */
    private static double percentile(double[] sorted, double share) {
        double place = share * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
