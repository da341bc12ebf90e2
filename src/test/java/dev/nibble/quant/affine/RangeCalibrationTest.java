package dev.nibble.quant.affine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class RangeCalibrationTest {
    static List<RangeCalibration> all() {
        return List.of(
                new RangeCalibration.MinMax(),
                new RangeCalibration.Percentile(99),
                new RangeCalibration.MeanSquaredError(),
                new RangeCalibration.Entropy());
    }

    private static float[] gaussian(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static Range range(RangeCalibration calibration, Symmetry symmetry, IntegerWidth width, float... values) {
        RangeObserver observer = calibration.observer(symmetry, width);
        observer.observe(values, 0, values.length);
        return observer.range();
    }

    private static double squaredError(Range range, Symmetry symmetry, IntegerWidth width, float... values) {
        AffineParameters mapping = AffineParameters.of(range, symmetry, width);
        float[] restored = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            restored[i] = mapping.dequantize(mapping.quantize(values[i]));
        }
        return QuantizationError.of(values, restored).meanSquare();
    }

    /** However the values are cut into calls and ordered: the same range. */
    @ParameterizedTest
    @MethodSource("all")
    void streamsGiveTheSameRangeInAnyOrder(RangeCalibration calibration) {
        float[] values = gaussian(20_000, 1);
        for (int i = 0; i < values.length; i++) {
            // From tiny to large, so that the histogram widens over and over; zeros first.
            values[i] = i < 100 ? 0 : (float) (values[i] * Math.exp(i / 1000.0 - 10));
        }
        for (Symmetry symmetry : Symmetry.values()) {
            Range whole = range(calibration, symmetry, IntegerWidth.INT8, values);
            RangeObserver pieces = calibration.observer(symmetry, IntegerWidth.INT8);
            for (int end = values.length; end > 0; end -= 617) {
                int begin = Math.max(0, end - 617);
                pieces.observe(values, begin, end - begin);
            }
            assertEquals(whole, pieces.range());
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void oneValueAndZerosAndOneSide(RangeCalibration calibration) {
        for (Symmetry symmetry : Symmetry.values()) {
            for (IntegerWidth width : IntegerWidth.values()) {
                assertEquals(0, range(calibration, symmetry, width, 0, 0, 0).magnitude());
                for (float value : new float[] {1, -3.7f, 1e-40f, 1e38f, -1e38f}) {
                    Range range = range(calibration, symmetry, width, value, value, value);
                    AffineParameters mapping = AffineParameters.of(range, symmetry, width);
                    double error = Math.abs((double) mapping.dequantize(mapping.quantize(value)) - value);
                    assertTrue(error <= 0.01 * Math.abs(value) + Float.MIN_NORMAL, value + ": " + range);
                }
                float[] positive = gaussian(1000, 3);
                for (int i = 0; i < positive.length; i++) {
                    positive[i] = Math.abs(positive[i]) + 0.5f;
                }
                assertTrue(
                        range(calibration, symmetry, width, positive).least() >= 0 || symmetry == Symmetry.SYMMETRIC);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("all")
    void whatIsNoNumberIsRefused(RangeCalibration calibration) {
        RangeObserver observer = calibration.observer(Symmetry.SYMMETRIC, IntegerWidth.INT8);
        assertThrows(IllegalStateException.class, observer::range);
        for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            assertThrows(IllegalArgumentException.class, () -> observer.observe(new float[] {100, 2, wrong}, 0, 3));
        }
        observer.observe(new float[0], 0, 0);
        assertThrows(IllegalStateException.class, observer::range);
        observer.observe(new float[] {9, 1, -2, 9}, 1, 2);
        assertTrue(observer.range().magnitude() <= 2, "only two values were seen");
    }

    @Test
    void minMaxClipsNothing() {
        float[] values = gaussian(1000, 4);
        Range range = range(new RangeCalibration.MinMax(), Symmetry.ASYMMETRIC, IntegerWidth.INT8, values);
        Arrays.sort(values);
        assertEquals(new Range(values[0], values[999]), range);
    }

    @Test
    void percentilesLeaveTheirShareOutside() {
        float[] values = gaussian(100_000, 5);
        for (int i = 0; i < values.length; i++) {
            // Not centred at 0: both ends lie apart.
            values[i] = values[i] * 2 + 3;
        }
        for (double percent : new double[] {50, 90, 99, 99.9, 100}) {
            RangeCalibration calibration = new RangeCalibration.Percentile(percent);
            int outside = (int) Math.round(values.length * (1 - percent / 100));
            Range range = range(calibration, Symmetry.ASYMMETRIC, IntegerWidth.INT8, values);
            // A bin near the middle holds more than hundred of the values.
            assertEquals(outside / 2.0, count(values, range.greatest(), Float.POSITIVE_INFINITY), 25);
            assertEquals(outside / 2.0, count(values, Float.NEGATIVE_INFINITY, range.least()), 25);
            Range symmetric = range(calibration, Symmetry.SYMMETRIC, IntegerWidth.INT8, values);
            float limit = symmetric.magnitude();
            int beyond = count(values, limit, Float.POSITIVE_INFINITY) + count(values, Float.NEGATIVE_INFINITY, -limit);
            assertEquals(outside, beyond, 50);
        }
        assertThrows(IllegalArgumentException.class, () -> new RangeCalibration.Percentile(0));
        assertThrows(IllegalArgumentException.class, () -> new RangeCalibration.Percentile(100.1));
    }

    private static int count(float[] values, float above, float below) {
        int count = 0;
        for (float value : values) {
            count += value > above && value < below ? 1 : 0;
        }
        return count;
    }

    /** No other range, tried finely on the values themselves, is better by more than the histogram's coarseness explains. */
    @ParameterizedTest
    @EnumSource(IntegerWidth.class)
    void theSquaredErrorIsTheLeast(IntegerWidth width) {
        float[] values = gaussian(4000, 6);
        values[7] = 40;
        for (Symmetry symmetry : Symmetry.values()) {
            Range found = range(new RangeCalibration.MeanSquaredError(), symmetry, width, values);
            double error = squaredError(found, symmetry, width, values);
            double least = Double.POSITIVE_INFINITY;
            for (int low = 1; low <= 100; low++) {
                for (int high = 1; high <= (symmetry == Symmetry.SYMMETRIC ? 1 : 100); high++) {
                    float upper = symmetry == Symmetry.SYMMETRIC ? 0.4f * low : 0.4f * high;
                    Range candidate = new Range(-0.4f * low, upper);
                    least = Math.min(least, squaredError(candidate, symmetry, width, values));
                }
            }
            assertTrue(error <= 1.05 * least, symmetry + ": " + error + " instead of " + least);
        }
    }

    /** With 4 bits the best symmetric range of a normal distribution is known: ± 2.5 standard deviations or so. */
    @Test
    void theBestRangeOfANormalDistribution() {
        float[] values = gaussian(200_000, 7);
        Range range = range(new RangeCalibration.MeanSquaredError(), Symmetry.SYMMETRIC, IntegerWidth.INT4, values);
        assertEquals(2.45, range.magnitude(), 0.15);
    }

    /** A few outliers far away cost the rest its steps: they are clipped. Without outliers hardly anything is. */
    @Test
    void entropyClipsOutliers() {
        float[] values = gaussian(100_000, 8);
        Range plain = range(new RangeCalibration.Entropy(), Symmetry.SYMMETRIC, IntegerWidth.INT8, values);
        for (int i = 0; i < 5; i++) {
            values[i] = 100 + i;
        }
        Range spoilt = range(new RangeCalibration.Entropy(), Symmetry.SYMMETRIC, IntegerWidth.INT8, values);
        assertTrue(spoilt.magnitude() < 10, "outliers were kept: " + spoilt);
        assertTrue(plain.magnitude() > 2.5, "values of a normal distribution were clipped: " + plain);
        double clipped =
                squaredError(spoilt, Symmetry.SYMMETRIC, IntegerWidth.INT8, Arrays.copyOfRange(values, 5, 100_000));
        double wide = squaredError(
                new Range(-104, 104), Symmetry.SYMMETRIC, IntegerWidth.INT8, Arrays.copyOfRange(values, 5, 100_000));
        assertTrue(clipped < wide / 10, clipped + ", " + wide);
    }

    /** The divergences that the choice rests on, computed once more from their definition. */
    @Test
    void entropyFindsTheLeastDivergence() {
        Random random = new Random(9);
        float[] values = new float[3000];
        for (int i = 0; i < values.length; i++) {
            // Integers are the lower ends of bins once the largest needs bins as wide as 1.
            values[i] = (float) Math.floor(Math.min(4095, -150 * Math.log(random.nextDouble())));
        }
        values[0] = 4095;
        long[] counts = new long[4096];
        for (float value : values) {
            counts[(int) value]++;
        }
        int best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int kept = 128; kept <= 4096; kept++) {
            double divergence = divergence(counts, kept, 128);
            if (divergence < least) {
                least = divergence;
                best = kept;
            }
        }
        Range range = range(new RangeCalibration.Entropy(), Symmetry.SYMMETRIC, IntegerWidth.INT8, values);
        assertEquals(best, range.magnitude() == 4095 ? 4096 : range.magnitude());
    }

    private static double divergence(long[] counts, int kept, int levels) {
        double[] p = new double[kept];
        double[] q = new double[kept];
        for (int bin = 0; bin < counts.length; bin++) {
            p[Math.min(bin, kept - 1)] += counts[bin];
        }
        for (int level = 0; level < levels; level++) {
            int begin = kept * level / levels;
            int end = kept * (level + 1) / levels;
            double sum = Arrays.stream(counts, begin, end).sum();
            long occupied =
                    Arrays.stream(counts, begin, end).filter(count -> count > 0).count();
            for (int bin = begin; bin < end; bin++) {
                q[bin] = counts[bin] > 0 ? sum / occupied : 0;
            }
        }
        double pSum = Arrays.stream(p).sum();
        double qSum = Arrays.stream(q).sum();
        double divergence = 0;
        for (int bin = 0; bin < kept; bin++) {
            if (p[bin] > 0) {
                divergence += p[bin] / pSum * Math.log(p[bin] / pSum / (q[bin] / qSum));
            }
        }
        return divergence;
    }
}
