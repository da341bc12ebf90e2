package dev.nibble.quant.affine;

import java.util.function.IntToLongFunction;

/** Cuts the largest magnitudes, or what is outermost at both ends, off a histogram. */
final class PercentileSearch {
    private PercentileSearch() {}

    /** @param share of the values that stay inside */
    static Range range(Histogram histogram, Symmetry symmetry, double share) {
        double outside = (1 - share) * histogram.count();
        if (symmetry == Symmetry.SYMMETRIC) {
            float limit = (float) cut(histogram, histogram::magnitudes, bin -> 0, outside);
            return new Range(-limit, limit);
        }
        double greatest = cut(histogram, histogram::above, histogram::below, outside / 2);
        double least = -cut(histogram, histogram::below, histogram::above, outside / 2);
        return least <= greatest
                ? new Range((float) least, (float) greatest)
                : new Range((float) greatest, (float) greatest);
    }

    /**
     * The value beyond which {@code outside} values lie, from the outermost inwards, bins taken as evenly filled; beyond 0 the
     * search goes on through the other side.
     */
    private static double cut(Histogram histogram, IntToLongFunction side, IntToLongFunction other, double outside) {
        double left = outside;
        for (int bin = histogram.used() - 1; bin >= 0; bin--) {
            long here = side.applyAsLong(bin);
            if (here > left) {
                return (bin + 1 - left / here) * histogram.width();
            }
            left -= here;
        }
        for (int bin = 0; bin < histogram.used(); bin++) {
            long here = other.applyAsLong(bin);
            if (here > left) {
                return -(bin + left / here) * histogram.width();
            }
            left -= here;
        }
        return 0;
    }
}
