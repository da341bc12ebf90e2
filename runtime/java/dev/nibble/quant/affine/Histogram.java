package dev.nibble.quant.affine;

/**
 * Counts of values by size, in bins of one width on both sides of 0. The width is a power of two and doubles, neighbours being
 * merged, when a value lies beyond the last bin. So it depends on the largest magnitude only, not on the order of values, and at
 * least half of the bins of the larger side are in use.
 */
final class Histogram {
    /** Bins on each side of 0. */
    static final int BINS = 4096;

    private final long[] above = new long[BINS];
    private final long[] below = new long[BINS];
    private double width;
    private long count;
    private int used;

    /** Adds finite values. */
    void add(float[] values, int at, int count) {
        for (int i = at; i < at + count; i++) {
            add(values[i]);
        }
    }

    private void add(float value) {
        double magnitude = Math.abs((double) value);
        if (magnitude >= width * BINS) {
            widen(magnitude);
        }
        int bin = width == 0 ? 0 : (int) (magnitude / width);
        (value < 0 ? below : above)[bin]++;
        used = Math.max(used, bin + 1);
        count++;
    }

    private void widen(double magnitude) {
        if (magnitude == 0) {
            return;
        }
        double fitting = Math.scalb(1.0, Math.getExponent(magnitude) + 1) / BINS;
        // While all values were 0 there was no width, and they stand in the first bin.
        int shift = width == 0 ? 0 : Math.getExponent(fitting) - Math.getExponent(width);
        merge(above, shift);
        merge(below, shift);
        used = used == 0 ? 0 : (used - 1 >> Math.min(shift, 31)) + 1;
        width = fitting;
    }

    private static void merge(long[] bins, int shift) {
        if (shift == 0) {
            return;
        }
        for (int bin = 1; bin < BINS; bin++) {
            long moved = bins[bin];
            bins[bin] = 0;
            bins[bin >> Math.min(shift, 31)] += moved;
        }
    }

    /** Values counted. */
    long count() {
        return count;
    }

    /** Bins on each side that may hold values; the others are empty. */
    int used() {
        return used;
    }

    /** The width of a bin; 0 if all values were 0. */
    double width() {
        return width;
    }

    /** The number of values ≥ 0 from {@code bin · width} on. */
    long above(int bin) {
        return above[bin];
    }

    /** The number of values < 0 from {@code −bin · width} down. */
    long below(int bin) {
        return below[bin];
    }

    /** The number of values of a magnitude. */
    long magnitudes(int bin) {
        return above[bin] + below[bin];
    }
}
