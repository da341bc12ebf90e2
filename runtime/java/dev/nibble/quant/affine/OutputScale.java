package dev.nibble.quant.affine;

/**
 * Requantizes a row of integer sums to int8 by the range that the row itself has: ranges of activations differ so much from token
 * to token that a range fixed beforehand would waste most of the integers. The range is known once all sums are; the rest is
 * the step that a fixed range has as well: q = clip(Z + M · sum, −128, 127).
 *
 * @param multiplier M, int8 steps per unit of the sums
 * @param zeroPoint Z
 * @param step what an int8 step is worth
 */
public record OutputScale(FixedPointMultiplier multiplier, int zeroPoint, float step) {
    private static final int STEPS = 255;

    /**
     * The scale of a row.
     *
     * @param least the least of its sums and 0
     * @param greatest the greatest of its sums and 0
     * @param unit what 1 is worth in the sums
     */
    public static OutputScale of(int least, int greatest, double unit) {
        if (least > 0 || greatest < 0) {
            throw new IllegalArgumentException("0 is not within " + least + " … " + greatest);
        }
        long extent = (long) greatest - least;
        if (extent == 0) {
            return new OutputScale(FixedPointMultiplier.ZERO, 0, 0);
        }
        FixedPointMultiplier multiplier = FixedPointMultiplier.of((double) STEPS / extent);
        int zeroPoint = Byte.MIN_VALUE - multiplier.apply(least);
        return new OutputScale(multiplier, zeroPoint, (float) (extent * unit / STEPS));
    }

    /** The int8 of a sum. */
    public int quantize(int sum) {
        return Math.clamp((long) multiplier.apply(sum) + zeroPoint, Byte.MIN_VALUE, Byte.MAX_VALUE);
    }

    /** What the int8 of each sum means. */
    public void requantize(int[] sums, float[] values, int count) {
        long mantissa = multiplier.mantissa();
        int shift = multiplier.shift();
        long half = 1L << shift - 1;
        for (int i = 0; i < count; i++) {
            // As quantize(sum) does: steps per unit are at most 255 and at least 255 / 2^31, so the shift needs no case
            // of its own.
            long integer = (sums[i] * mantissa + half >> shift) + zeroPoint;
            values[i] = step * ((int) Math.clamp(integer, (long) Byte.MIN_VALUE, (long) Byte.MAX_VALUE) - zeroPoint);
        }
    }

    /** What the int8 of a sum means: step · (q − Z). */
    public float requantize(int sum) {
        return step * (quantize(sum) - zeroPoint);
    }
}
