package dev.nibble.quant.affine;

/**
 * Watches values pass by, in as many calls as it takes, and then tells the range to represent. Memory does not grow with the
 * number of values, and their order does not matter. Used by one thread at a time.
 */
public interface RangeObserver {
    /**
     * Sees some values.
     *
     * @throws IllegalArgumentException if one is NaN or infinite; then none of this call count
     */
    void observe(float[] values, int at, int count);

    /**
     * The range to represent; values beyond it are to be clipped.
     *
     * @throws IllegalStateException if no values were seen
     */
    Range range();
}
