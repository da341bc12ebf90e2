package dev.nibble.quant;

/**
 * The values that a group of quants can express: start + step · q for q = 0 … most. A step of zero expresses the start
 * alone; a negative step runs downwards.
 */
record Line(float step, float start, int most) {
    /** The q whose value is nearest to {@code value}. */
    int nearest(float value) {
        if (step == 0) {
            return 0;
        }
        return Math.clamp(Math.round((value - start) / step), 0, most);
    }

    /** The value of largest magnitude among {@code count} values, with its sign; NaN if one of them is. */
    static float farthestFromZero(float[] values, int at, int count) {
        float farthest = 0;
        for (int i = at; i < at + count; i++) {
            if (Math.abs(values[i]) > Math.abs(farthest) || Float.isNaN(values[i])) {
                farthest = values[i];
            }
        }
        return farthest;
    }

    /** The smallest of {@code count} values; NaN if one of them is. */
    static float least(float[] values, int at, int count) {
        float least = values[at];
        for (int i = at + 1; i < at + count; i++) {
            least = Math.min(least, values[i]);
        }
        return least;
    }

    /** The largest of {@code count} values; NaN if one of them is. */
    static float greatest(float[] values, int at, int count) {
        float greatest = values[at];
        for (int i = at + 1; i < at + count; i++) {
            greatest = Math.max(greatest, values[i]);
        }
        return greatest;
    }
}
