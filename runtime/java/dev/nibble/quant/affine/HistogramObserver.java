package dev.nibble.quant.affine;

import java.util.function.Function;

/** Collects a histogram, from which a search chooses the range; never beyond the least and the greatest value. */
final class HistogramObserver implements RangeObserver {
    private final MinMaxObserver ends = new MinMaxObserver();
    private final Histogram histogram = new Histogram();
    private final Function<Histogram, Range> search;

    HistogramObserver(Function<Histogram, Range> search) {
        this.search = search;
    }

    @Override
    public void observe(float[] values, int at, int count) {
        ends.observe(values, at, count);
        histogram.add(values, at, count);
    }

    @Override
    public Range range() {
        Range all = ends.range();
        return search.apply(histogram).within(all);
    }
}
