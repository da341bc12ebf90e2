package dev.nibble.quant.affine;

/**
 * A real multiplier in integers: mantissa · 2^(exponent − 31). The mantissa holds 31 significant bits, so that it is within
 * 2^−32 of the real, relatively.
 *
 * <p>A product is rounded once, to the nearest integer, ties upwards: ⌊x · mantissa / 2^(31 − exponent) + 1/2⌋, computed in 64
 * bits, then saturated to 32. gemmlowp rounds the doubled high half of the product first and the shifted result again, which
 * can be off by one where the first rounding makes a tie; rounding once is what "correctly rounded" means.
 *
 * @param mantissa 2^30 ≤ mantissa < 2^31, or 0 for the multiplier 0
 * @param exponent the power of two; 0 for the multiplier 0
 */
public record FixedPointMultiplier(int mantissa, int exponent) {
    /** 0. */
    public static final FixedPointMultiplier ZERO = new FixedPointMultiplier(0, 0);

    /** The longest shift that leaves anything of a product, which is less than 2^62. */
    static final int MOST_SHIFT = 62;

    private static final int MANTISSA_BITS = 31;
    private static final int LEAST_MANTISSA = 1 << 30;

    /** Checks that the form is the only one of its number. */
    public FixedPointMultiplier {
        if (mantissa < LEAST_MANTISSA && (mantissa != 0 || exponent != 0)) {
            throw new IllegalArgumentException("no multiplier of mantissa " + mantissa + ", exponent " + exponent);
        }
    }

    /**
     * The nearest multiplier.
     *
     * @throws IllegalArgumentException if the real is negative, NaN or infinite
     */
    public static FixedPointMultiplier of(double real) {
        if (!(real >= 0) || real == Double.POSITIVE_INFINITY) {
            throw new IllegalArgumentException("no fixed-point multiplier of " + real);
        }
        if (real == 0) {
            return ZERO;
        }
        // Subnormal doubles have no exponent of their own.
        int exponent = real < Double.MIN_NORMAL ? Math.getExponent(real * 0x1p64) - 63 : Math.getExponent(real) + 1;
        double fraction =
                real < Double.MIN_NORMAL ? Math.scalb(real * 0x1p64, -64 - exponent) : Math.scalb(real, -exponent);
        long mantissa = (long) Math.rint(fraction * (1L << MANTISSA_BITS));
        return mantissa == 1L << MANTISSA_BITS
                ? new FixedPointMultiplier(LEAST_MANTISSA, exponent + 1)
                : new FixedPointMultiplier((int) mantissa, exponent);
    }

    /** x times this, rounded to nearest, ties upwards, and saturated to 32 bits. */
    public int apply(int x) {
        return multiply(x, mantissa, shift());
    }

    /** The power of two by which a product with the mantissa is divided; negative: multiplied. */
    int shift() {
        return MANTISSA_BITS - exponent;
    }

    /** {@link #apply} with the parts at hand: x · mantissa / 2^shift. */
    static int multiply(int x, int mantissa, int shift) {
        long product = (long) x * mantissa;
        if (shift <= 0) {
            // A mantissa of 2^30 or more: everything but 0, shifted to the left, is beyond 32 bits.
            return saturate(shift == 0 ? product : Long.signum(product) * (1L << 32));
        }
        return shift > MOST_SHIFT ? 0 : saturate(product + (1L << shift - 1) >> shift);
    }

    /** The nearest 32-bit integer. */
    static int saturate(long value) {
        return Math.clamp(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    /** The number that this stands for. */
    public double real() {
        return Math.scalb((double) mantissa, exponent - MANTISSA_BITS);
    }
}
