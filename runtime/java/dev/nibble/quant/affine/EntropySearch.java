package dev.nibble.quant.affine;

/**
 * Finds the clipping magnitude as TensorRT describes it: for each number of bins kept, P is the histogram of magnitudes, the
 * outliers counted in the last bin kept; Q is the same bins, without the outliers, merged to as many levels as the integers have
 * and spread again evenly over those that are not empty; the number with the least Kullback–Leibler divergence Σ P log(P / Q)
 * is chosen. A number whose last bin is empty has no finite divergence and is passed over.
 *
 * <p>Values of both signs share the levels of the integers; values of one sign have all of them if the mapping is asymmetric.
 */
final class EntropySearch {
    private final Histogram histogram;
    private final int levels;
    private final boolean negative;
    private final boolean positive;

    /** (bins + 1): the number of values in the bins before. */
    private final long[] values;

    /** (bins + 1): of the bins before, those that are not empty. */
    private final int[] occupied;

    /** (bins + 1): the sum of n log n of the bins before. */
    private final double[] logarithms;

    EntropySearch(Histogram histogram, Symmetry symmetry, IntegerWidth width) {
        this.histogram = histogram;
        int bins = histogram.used();
        values = new long[bins + 1];
        occupied = new int[bins + 1];
        logarithms = new double[bins + 1];
        long below = 0;
        for (int bin = 0; bin < bins; bin++) {
            long count = histogram.magnitudes(bin);
            values[bin + 1] = values[bin] + count;
            occupied[bin + 1] = occupied[bin] + (count > 0 ? 1 : 0);
            logarithms[bin + 1] = logarithms[bin] + timesLogarithm(count);
            below += histogram.below(bin);
        }
        negative = below > 0 || symmetry == Symmetry.SYMMETRIC;
        positive = below < histogram.count() || symmetry == Symmetry.SYMMETRIC;
        levels = negative && positive ? width.greatest() + 1 : 2 * (width.greatest() + 1);
    }

    private static double timesLogarithm(double count) {
        return count == 0 ? 0 : count * Math.log(count);
    }

    Range range() {
        double limit = bestKept() * histogram.width();
        float magnitude = (float) Math.min(limit, Float.MAX_VALUE);
        return new Range(negative ? -magnitude : 0, positive ? magnitude : 0);
    }

    /** The number of bins to keep; all of them if there are no more than levels. */
    private int bestKept() {
        int best = histogram.used();
        double least = Double.POSITIVE_INFINITY;
        for (int kept = levels; kept <= histogram.used(); kept++) {
            double divergence = occupied[kept] == occupied[kept - 1] ? Double.POSITIVE_INFINITY : divergence(kept);
            if (divergence < least) {
                least = divergence;
                best = kept;
            }
        }
        return best;
    }

    /** Σ P log P − Σ P log Q of distributions that each sum to 1. */
    private double divergence(int kept) {
        double total = histogram.count();
        double outliers = total - values[kept];
        double last = values[kept] - values[kept - 1] + outliers;
        double sum = (logarithms[kept - 1] + timesLogarithm(last)) / total - Math.log(total);
        for (int level = 0; level < levels; level++) {
            int begin = (int) ((long) kept * level / levels);
            int end = (int) ((long) kept * (level + 1) / levels);
            double merged = values[end] - values[begin];
            if (merged > 0) {
                double q = merged / (occupied[end] - occupied[begin]) / values[kept];
                double p = (merged + (end == kept ? outliers : 0)) / total;
                sum -= p * Math.log(q);
            }
        }
        return sum;
    }
}
