package dev.nibble.quant.affine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fixed-point multipliers against integers and decimals of any length. */
class FixedPointMultiplierTest {
    private static final int[] MANTISSAS = {1 << 30, (1 << 30) + 1, 0x5555_5555, 0x7fff_fffe, Integer.MAX_VALUE};

    /** Values at which something changes: the ends, 0, powers of two and their neighbours. */
    private static int[] corners() {
        int[] values = new int[3 * 2 * 32];
        int count = 0;
        for (int bit = 0; bit < 32; bit++) {
            for (int beside = -1; beside <= 1; beside++) {
                values[count++] = (1 << bit) + beside;
                values[count++] = -(1 << bit) + beside;
            }
        }
        return values;
    }

    /** ⌊x · mantissa · 2^(exponent − 31) + 1/2⌋ within 32 bits. */
    private static int oracle(int x, FixedPointMultiplier multiplier) {
        BigInteger product = BigInteger.valueOf(x).multiply(BigInteger.valueOf(multiplier.mantissa()));
        int shift = 31 - multiplier.exponent();
        BigInteger rounded = shift <= 0
                ? product.shiftLeft(-shift)
                : product.shiftLeft(1).add(BigInteger.ONE.shiftLeft(shift)).shiftRight(shift + 1);
        return rounded.max(BigInteger.valueOf(Integer.MIN_VALUE))
                .min(BigInteger.valueOf(Integer.MAX_VALUE))
                .intValueExact();
    }

    private static void check(int x, FixedPointMultiplier multiplier) {
        int expected = oracle(x, multiplier);
        int found = multiplier.apply(x);
        if (expected != found) {
            assertEquals(expected, found, x + " times " + multiplier);
        }
    }

    @Test
    void everyExponentAtEveryCorner() {
        for (int exponent = -1100; exponent <= 1100; exponent++) {
            for (int mantissa : MANTISSAS) {
                FixedPointMultiplier multiplier = new FixedPointMultiplier(mantissa, exponent);
                for (int x : corners()) {
                    check(x, multiplier);
                }
            }
        }
    }

    @Test
    void randomValuesAndMultipliers() {
        Random random = new Random(1);
        for (int i = 0; i < 2_000_000; i++) {
            int mantissa = 1 << 30 | random.nextInt(1 << 30);
            FixedPointMultiplier multiplier = new FixedPointMultiplier(mantissa, random.nextInt(-34, 34));
            check(random.nextInt() >> random.nextInt(32), multiplier);
        }
    }

    /** From the least to the greatest value, in steps of a prime: the oracle's results, and never a smaller one after a larger. */
    @ParameterizedTest
    @ValueSource(doubles = {0.7, 1, 1.0 / 3, 0x1p-31, 3.999999})
    void theWholeRangeOfValues(double real) {
        FixedPointMultiplier multiplier = FixedPointMultiplier.of(real);
        int before = Integer.MIN_VALUE;
        for (long x = Integer.MIN_VALUE; x <= Integer.MAX_VALUE; x += 16_381) {
            check((int) x, multiplier);
            int found = multiplier.apply((int) x);
            assertTrue(found >= before, "not monotone at " + x);
            before = found;
        }
        check(Integer.MAX_VALUE, multiplier);
    }

    @Test
    void tiesGoUp() {
        FixedPointMultiplier half = FixedPointMultiplier.of(0.5);
        assertEquals(1, half.apply(1));
        assertEquals(2, half.apply(3));
        assertEquals(0, half.apply(-1));
        assertEquals(-1, half.apply(-3));
        assertEquals(-1 << 30, half.apply(Integer.MIN_VALUE));
        assertEquals(1 << 30, half.apply(Integer.MAX_VALUE));
    }

    @Test
    void productsBeyondTheRangeAreSaturated() {
        assertEquals(Integer.MAX_VALUE, FixedPointMultiplier.of(1.5).apply(Integer.MAX_VALUE));
        assertEquals(Integer.MIN_VALUE, FixedPointMultiplier.of(1.5).apply(Integer.MIN_VALUE));
        assertEquals(Integer.MIN_VALUE, FixedPointMultiplier.of(1).apply(Integer.MIN_VALUE));
        assertEquals(
                Integer.MAX_VALUE, FixedPointMultiplier.of(Double.MAX_VALUE).apply(1));
        assertEquals(
                Integer.MIN_VALUE, FixedPointMultiplier.of(Double.MAX_VALUE).apply(-1));
        assertEquals(0, FixedPointMultiplier.of(Double.MAX_VALUE).apply(0));
        assertEquals(0, FixedPointMultiplier.of(Double.MIN_VALUE).apply(Integer.MIN_VALUE));
        assertEquals(0, FixedPointMultiplier.ZERO.apply(Integer.MIN_VALUE));
    }

    /** The nearest mantissa: the real lies within half a step of it. */
    @Test
    void realsBecomeTheNearestMultiplier() {
        Random random = new Random(2);
        for (int i = 0; i < 200_000; i++) {
            double real = i < 100
                    ? Double.longBitsToDouble(1L << i % 52 | random.nextInt(1 << 10))
                    : Double.longBitsToDouble(random.nextLong() & Long.MAX_VALUE);
            if (!Double.isFinite(real) || real == 0) {
                continue;
            }
            FixedPointMultiplier multiplier = FixedPointMultiplier.of(real);
            BigDecimal unit = power(multiplier.exponent() - 31);
            BigDecimal error = new BigDecimal(real)
                    .subtract(unit.multiply(BigDecimal.valueOf(multiplier.mantissa())))
                    .abs();
            assertTrue(error.multiply(BigDecimal.TWO).compareTo(unit) <= 0, real + " became " + multiplier);
        }
    }

    private static BigDecimal power(int exponent) {
        BigDecimal power = new BigDecimal(BigInteger.ONE.shiftLeft(Math.abs(exponent)));
        return exponent < 0 ? BigDecimal.ONE.divide(power) : power;
    }

    @Test
    void mantissasThatRoundUpToTwoMoveTheExponent() {
        FixedPointMultiplier multiplier = FixedPointMultiplier.of(Math.nextDown(1.0));
        assertEquals(new FixedPointMultiplier(1 << 30, 1), multiplier);
        assertEquals(1, multiplier.real());
        assertEquals(0.75, FixedPointMultiplier.of(0.75).real());
        assertEquals(FixedPointMultiplier.ZERO, FixedPointMultiplier.of(0));
    }

    @Test
    void whatIsNoMultiplierIsRefused() {
        for (double real : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY, -Double.MIN_VALUE}) {
            assertThrows(IllegalArgumentException.class, () -> FixedPointMultiplier.of(real));
        }
        assertThrows(IllegalArgumentException.class, () -> new FixedPointMultiplier((1 << 30) - 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new FixedPointMultiplier(0, 1));
    }
}
