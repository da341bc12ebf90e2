package dev.nibble.quant;

/**
 * Numbers the values of a line: q = 0 … most stands for start + step · q. A step of zero lets 0 stand for all; a negative
 * step runs downwards.
 *
 * @param inverse 1 / step
 * @param start the value of q = 0
 * @param most the largest q
 */
record Line(float inverse, float start, int most) {
    /** The line of this step. */
    static Line of(float step, float start, int most) {
        return new Line(step == 0 ? 0 : 1 / step, start, most);
    }

    /** The q whose value is nearest to {@code value}. */
    int nearest(float value) {
        return Math.clamp((int) ((value - start) * inverse + 0.5f), 0, most);
    }
}
