package dev.nibble.quant.affine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AffineParametersTest {
    @ParameterizedTest
    @EnumSource(IntegerWidth.class)
    void symmetricRangesReachTheGreatestInteger(IntegerWidth width) {
        AffineParameters mapping = AffineParameters.of(new Range(-3, 2), Symmetry.SYMMETRIC, width);
        assertEquals(0, mapping.zeroPoint());
        assertEquals(-width.greatest(), mapping.least());
        assertEquals(-width.greatest(), mapping.quantize(-3));
        assertEquals(width.greatest(), mapping.quantize(3));
        assertEquals(width.greatest(), mapping.quantize(Float.POSITIVE_INFINITY));
        assertEquals(-3f, mapping.dequantize(-width.greatest()), 1e-6);
    }

    @ParameterizedTest
    @EnumSource(IntegerWidth.class)
    void asymmetricRangesUseAllIntegers(IntegerWidth width) {
        AffineParameters mapping = AffineParameters.of(new Range(-1, 2), Symmetry.ASYMMETRIC, width);
        assertEquals(width.least(), mapping.quantize(-100));
        assertEquals(width.greatest(), mapping.quantize(100));
        double step = 3.0 / ((1 << width.bits()) - 1);
        assertEquals(step, mapping.scale(), 1e-6);
        // 0 moves to the grid, and the ends with it.
        assertEquals(-1, mapping.dequantize(width.least()), step / 2 + 1e-6);
        assertEquals(2, mapping.dequantize(width.greatest()), step / 2 + 1e-6);
    }

    /** Ranges on one side of 0, of one point, of 0 alone, tiny and huge: 0 stays exact, and all in range are half a step off at most. */
    @ParameterizedTest
    @EnumSource(Symmetry.class)
    void anyRangeHoldsZeroAndItsValues(Symmetry symmetry) {
        float[][] ranges = {
            {-1, 1},
            {0, 5},
            {3, 5},
            {-7, -2},
            {4, 4},
            {0, 0},
            {-1e-45f, 0},
            {1e-38f, 2e-38f},
            {-Float.MAX_VALUE, 1},
            {-Float.MAX_VALUE, Float.MAX_VALUE},
            {-1e-30f, 1e30f}
        };
        Random random = new Random(1);
        for (float[] ends : ranges) {
            for (IntegerWidth width : IntegerWidth.values()) {
                AffineParameters mapping = AffineParameters.of(new Range(ends[0], ends[1]), symmetry, width);
                assertEquals(0, mapping.dequantize(mapping.quantize(0)));
                for (int i = 0; i < 100; i++) {
                    float x = (float) (ends[0] + random.nextDouble() * ((double) ends[1] - ends[0]));
                    double back = mapping.scale() * (mapping.quantize(x) - (double) mapping.zeroPoint());
                    // Half a step of rounding, and half a step by which the end may have moved.
                    assertTrue(
                            Math.abs(back - x) <= 1.00001 * mapping.scale(), x + " became " + back + " by " + mapping);
                }
            }
        }
    }

    @Test
    void roundsToTheNearestIntegerAndTiesToEven() {
        AffineParameters mapping = new AffineParameters(0.5f, 3, -128, 127);
        assertEquals(3, mapping.quantize(0.25f));
        assertEquals(5, mapping.quantize(0.75f));
        assertEquals(3, mapping.quantize(-0.25f));
        assertEquals(1, mapping.quantize(-0.75f));
        Random random = new Random(2);
        for (int i = 0; i < 100_000; i++) {
            float x = (float) (random.nextGaussian() * 30);
            int expected = new BigDecimal(x / 0.5f)
                    .setScale(0, RoundingMode.HALF_EVEN)
                    .add(BigDecimal.valueOf(3))
                    .max(BigDecimal.valueOf(-128))
                    .min(BigDecimal.valueOf(127))
                    .intValueExact();
            assertEquals(expected, mapping.quantize(x));
        }
    }

    @Test
    void everyIntegerComesBack() {
        for (IntegerWidth width : IntegerWidth.values()) {
            for (Symmetry symmetry : Symmetry.values()) {
                AffineParameters mapping = AffineParameters.of(new Range(-0.37f, 1.9f), symmetry, width);
                for (int i = mapping.least(); i <= mapping.greatest(); i++) {
                    assertEquals(i, mapping.quantize(mapping.dequantize(i)));
                }
            }
        }
    }

    @Test
    void whatIsNoMappingIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new AffineParameters(0, 0, -1, 1));
        assertThrows(IllegalArgumentException.class, () -> new AffineParameters(Float.NaN, 0, -1, 1));
        assertThrows(IllegalArgumentException.class, () -> new AffineParameters(-1, 0, -1, 1));
        assertThrows(IllegalArgumentException.class, () -> new AffineParameters(1, 2, -1, 1));
        assertThrows(IllegalArgumentException.class, () -> new Range(1, 0));
        assertThrows(IllegalArgumentException.class, () -> new Range(0, Float.NaN));
        assertThrows(IllegalArgumentException.class, () -> Range.of(new float[0], 0, 0));
        assertThrows(IllegalArgumentException.class, () -> Range.of(new float[] {1, Float.NaN, 2}, 0, 3));
        assertThrows(IllegalArgumentException.class, () -> new AffineParameters(1, 0, -1, 1).quantize(Float.NaN));
    }
}
