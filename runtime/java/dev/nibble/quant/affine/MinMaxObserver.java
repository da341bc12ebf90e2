package dev.nibble.quant.affine;

import org.jspecify.annotations.Nullable;

/** Keeps the least and the greatest value. */
final class MinMaxObserver implements RangeObserver {
    private @Nullable Range seen;

    @Override
    public void observe(float[] values, int at, int count) {
        if (count == 0) {
            return;
        }
        Range range = Range.of(values, at, count);
        seen = seen == null
                ? range
                : new Range(Math.min(seen.least(), range.least()), Math.max(seen.greatest(), range.greatest()));
    }

    @Override
    public Range range() {
        if (seen == null) {
            throw new IllegalStateException("no values were observed, so there is no range");
        }
        return seen;
    }
}
