package dev.nibble.quant.affine;

/**
 * The real values that integers shall represent; values beyond it are clipped.
 *
 * @param least the lower end, finite
 * @param greatest the upper end, finite, not below the lower
 */
public record Range(float least, float greatest) {
    /** Checks the order and that both ends are numbers. */
    public Range {
        if (!Float.isFinite(least) || !Float.isFinite(greatest) || least > greatest) {
            throw new IllegalArgumentException("no range from " + least + " to " + greatest);
        }
    }

    /**
     * From the least to the greatest of some values.
     *
     * @throws IllegalArgumentException if there are none, or one is NaN or infinite
     */
    public static Range of(float[] values, int at, int count) {
        if (count < 1) {
            throw new IllegalArgumentException("no values, so no range");
        }
        float least = values[at];
        float greatest = least;
        for (int i = at; i < at + count; i++) {
            // Math.min, unlike a comparison, lets NaN through to the check.
            least = Math.min(least, values[i]);
            greatest = Math.max(greatest, values[i]);
        }
        return new Range(least, greatest);
    }

    /** This range, widened until 0 lies in it. */
    public Range withZero() {
        return new Range(Math.min(0, least), Math.max(0, greatest));
    }

    /** The largest magnitude in it. */
    public float magnitude() {
        return Math.max(Math.abs(least), Math.abs(greatest));
    }

    /** The part of it that lies in another range; the nearest end of the other if none does. */
    public Range within(Range other) {
        return new Range(other.clip(least), other.clip(greatest));
    }

    private float clip(float x) {
        return Math.min(Math.max(x, least), greatest);
    }
}
