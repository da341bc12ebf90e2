package dev.nibble.quant.affine;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Finds the range with the least mean squared error. Both ends as far from 0: the best of evenly spaced magnitudes. If it need
 * not be symmetric, from there on the best of evenly spaced lower ends for the upper end at hand, then of upper ends for that lower
 * one, until neither moves. The error is that of the middles of the histogram's bins.
 */
final class SquaredErrorSearch {
    private static final int CANDIDATES = 100;

    /** The two ends hardly depend on each other: two or three turns are usual. */
    private static final int MOST_TURNS = 10;

    /** The middles of bins that are not empty. */
    private final double[] middles;

    /** (middle): how many values it stands for. */
    private final long[] counts;

    private final double end;
    private final Symmetry symmetry;
    private final IntegerWidth width;

    SquaredErrorSearch(Histogram histogram, Symmetry symmetry, IntegerWidth width) {
        int[] bins = IntStream.range(-histogram.used(), histogram.used())
                .filter(bin -> count(histogram, bin) > 0)
                .toArray();
        this.middles = Arrays.stream(bins)
                .mapToDouble(bin -> (bin + 0.5) * histogram.width())
                .toArray();
        this.counts =
                Arrays.stream(bins).mapToLong(bin -> count(histogram, bin)).toArray();
        this.end = Math.min(histogram.used() * histogram.width(), Float.MAX_VALUE);
        this.symmetry = symmetry;
        this.width = width;
    }

    /** Bins of a histogram counted through 0: −1 is the first one below. */
    private static long count(Histogram histogram, int bin) {
        return bin < 0 ? histogram.below(-1 - bin) : histogram.above(bin);
    }

    Range range() {
        if (end == 0) {
            return new Range(0, 0);
        }
        return symmetry == Symmetry.SYMMETRIC ? even() : uneven(even());
    }

    private Range even() {
        Range best = new Range(0, 0);
        double least = Double.POSITIVE_INFINITY;
        for (int i = 1; i <= CANDIDATES; i++) {
            float limit = place(i);
            Range candidate = new Range(-limit, limit);
            double error = error(candidate);
            if (error < least) {
                least = error;
                best = candidate;
            }
        }
        return best;
    }

    private float place(int candidate) {
        return (float) (end * candidate / CANDIDATES);
    }

    private Range uneven(Range start) {
        Range best = start;
        for (int turn = 0; turn < MOST_TURNS; turn++) {
            Range before = best;
            best = bestEnd(best, false);
            best = bestEnd(best, true);
            if (best.equals(before)) {
                break;
            }
        }
        return best;
    }

    /** The best place for one end while the other stays. */
    private Range bestEnd(Range range, boolean upper) {
        Range best = range;
        double least = error(range);
        for (int i = 0; i <= CANDIDATES; i++) {
            float place = place(i);
            Range candidate = upper ? new Range(range.least(), place) : new Range(-place, range.greatest());
            double error = error(candidate);
            if (error < least) {
                least = error;
                best = candidate;
            }
        }
        return best;
    }

    /** The sum of squared errors of all values. */
    private double error(Range range) {
        AffineParameters parameters = AffineParameters.of(range, symmetry, width);
        double sum = 0;
        for (int i = 0; i < middles.length; i++) {
            sum += counts[i] * squaredError(parameters, middles[i]);
        }
        return sum;
    }

    private static double squaredError(AffineParameters parameters, double x) {
        double integer = Math.clamp(
                Math.rint(x / parameters.scale()) + parameters.zeroPoint(), parameters.least(), parameters.greatest());
        double error = (integer - parameters.zeroPoint()) * parameters.scale() - x;
        return error * error;
    }
}
