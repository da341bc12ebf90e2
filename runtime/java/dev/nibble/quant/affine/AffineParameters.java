package dev.nibble.quant.affine;

/**
 * An affine mapping between reals and integers: real ≈ scale · (integer − zeroPoint) (Jacob et al. 2018, section 2.1). Real 0
 * is always represented exactly, by the zero point: padding and gates yield 0 too often for it to be off.
 *
 * @param scale what one integer step is worth: normal and positive
 * @param zeroPoint the integer that means 0
 * @param least the least integer used
 * @param greatest the greatest integer used
 */
public record AffineParameters(float scale, int zeroPoint, int least, int greatest) {
    /** Checks that the scale is a usable number and the zero point one of the integers. */
    public AffineParameters {
        if (!(scale >= Float.MIN_NORMAL) || scale == Float.POSITIVE_INFINITY) {
            throw new IllegalArgumentException("no quantization with a scale of " + scale);
        }
        if (zeroPoint < least || zeroPoint > greatest) {
            throw new IllegalArgumentException(
                    "the zero point " + zeroPoint + " is not within " + least + " … " + greatest);
        }
    }

    /** The mapping that represents a range, widened to 0, with integers of a width. */
    public static AffineParameters of(Range range, Symmetry symmetry, IntegerWidth width) {
        return switch (symmetry) {
            case SYMMETRIC -> symmetric(range.magnitude(), width);
            case ASYMMETRIC -> asymmetric(range.withZero(), width);
        };
    }

    private static AffineParameters symmetric(float magnitude, IntegerWidth width) {
        int greatest = width.greatest();
        return new AffineParameters(scale((double) magnitude / greatest), 0, -greatest, greatest);
    }

    private static AffineParameters asymmetric(Range range, IntegerWidth width) {
        int steps = width.greatest() - width.least();
        float scale = scale(((double) range.greatest() - range.least()) / steps);
        // The ends of the range move with 0 to the grid, by half a step at most.
        double zeroPoint = Math.rint(width.least() - (double) range.least() / scale);
        int nearest = (int) Math.clamp(zeroPoint, width.least(), width.greatest());
        return new AffineParameters(scale, nearest, width.least(), width.greatest());
    }

    /** Values of 0 alone have no scale of their own: any will do. */
    private static float scale(double step) {
        return Math.max((float) step, Float.MIN_NORMAL);
    }

    /**
     * The nearest integer: clip(round(real / scale) + zeroPoint, least, greatest), ties rounded to the even quotient.
     *
     * @throws IllegalArgumentException if the value is NaN
     */
    public int quantize(float real) {
        if (Float.isNaN(real)) {
            throw new IllegalArgumentException("NaN has no integer");
        }
        return (int) Math.clamp(Math.rint(real / scale) + zeroPoint, least, greatest);
    }

    /** What an integer means: scale · (integer − zeroPoint). */
    public float dequantize(int integer) {
        return scale * (integer - zeroPoint);
    }
}
