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
        return Math.clamp((int) ((value - start) / step + 0.5f), 0, most);
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
}
