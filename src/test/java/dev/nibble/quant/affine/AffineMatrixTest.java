package dev.nibble.quant.affine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.quant.affine.AffineMatrix.Scheme;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class AffineMatrixTest {
    private static final RangeCalibration MIN_MAX = new RangeCalibration.MinMax();

    @ParameterizedTest
    @EnumSource(IntegerWidth.class)
    void packedIntegersComeBack(IntegerWidth width) {
        for (int length : new int[] {0, 1, 2, 3, 4, 5, 7, 257}) {
            PackedIntegers packed = new PackedIntegers(width, length);
            assertEquals((length * width.bits() + 7) / 8, packed.bytes().length);
            int[] values = new Random(length)
                    .ints(length, width.least(), width.greatest() + 1)
                    .toArray();
            // Written twice and from the end, so that neighbours in a byte are seen to stay.
            for (int i = length - 1; i >= 0; i--) {
                packed.set(i, width.least());
                packed.set(i, values[i]);
            }
            for (int i = 0; i < length; i++) {
                assertEquals(values[i], packed.get(i), "integer " + i + " of " + length);
            }
        }
        PackedIntegers packed = new PackedIntegers(width, 3);
        assertThrows(IndexOutOfBoundsException.class, () -> packed.get(3));
        assertThrows(IllegalArgumentException.class, () -> packed.set(0, width.greatest() + 1));
        assertThrows(IllegalArgumentException.class, () -> packed.set(0, width.least() - 1));
    }

    /** The first integer lies in the lowest bits. */
    @Test
    void theOrderOfPackedBits() {
        PackedIntegers nibbles = new PackedIntegers(IntegerWidth.INT4, 3);
        nibbles.set(0, 1);
        nibbles.set(1, -2);
        nibbles.set(2, 7);
        assertArrayEquals(new byte[] {(byte) 0xe1, 0x07}, nibbles.bytes());
        PackedIntegers pairs = new PackedIntegers(IntegerWidth.INT2, 4);
        pairs.set(0, 1);
        pairs.set(1, -1);
        pairs.set(2, -2);
        assertArrayEquals(new byte[] {0b00_10_11_01}, pairs.bytes());
    }

    @ParameterizedTest
    @EnumSource(IntegerWidth.class)
    void finerPartsAreCloser(IntegerWidth width) {
        // Rows of different sizes, and within a row columns of different sizes.
        float[] values = new float[8 * 100];
        Random random = new Random(1);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (random.nextGaussian() * (1 + i / 100) * (1 + i % 100 / 25));
        }
        for (Symmetry symmetry : Symmetry.values()) {
            double tensor = error(values, new Scheme(width, symmetry, new Granularity.PerTensor(), MIN_MAX));
            double channel = error(values, new Scheme(width, symmetry, new Granularity.PerChannel(), MIN_MAX));
            double group = error(values, new Scheme(width, symmetry, new Granularity.PerGroup(32), MIN_MAX));
            assertTrue(group < channel && channel < tensor, group + ", " + channel + ", " + tensor);
        }
    }

    private static double error(float[] values, Scheme scheme) {
        AffineMatrix matrix = AffineMatrix.quantize(values, 8, 100, scheme);
        return QuantizationError.of(values, matrix.dequantize()).rootMeanSquare();
    }

    /** Each part is quantized as if it stood alone: 8 rows of 100 values in groups of 32, 32, 32 and 4. */
    @Test
    void eachPartHasItsOwnRange() {
        float[] values = new float[800];
        Random random = new Random(2);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        Scheme scheme = new Scheme(IntegerWidth.INT4, Symmetry.ASYMMETRIC, new Granularity.PerGroup(32), MIN_MAX);
        AffineMatrix matrix = AffineMatrix.quantize(values, 8, 100, scheme);
        assertEquals(32, matrix.parameters().size());
        float[] restored = matrix.dequantize();
        for (int row = 0; row < 8; row++) {
            for (int column = 0; column < 100; column++) {
                int begin = row * 100 + column / 32 * 32;
                Range range = Range.of(values, begin, Math.min(32, row * 100 + 100 - begin));
                AffineParameters alone = AffineParameters.of(range, Symmetry.ASYMMETRIC, IntegerWidth.INT4);
                int at = row * 100 + column;
                assertEquals(alone, matrix.parameters(row, column));
                assertEquals(alone.dequantize(alone.quantize(values[at])), restored[at]);
            }
        }
    }

    @Test
    void errorsAreMeasured() {
        QuantizationError error = QuantizationError.of(new float[] {1, -2, 3, 0}, new float[] {1, -1, 5, 0});
        assertEquals(5.0 / 4, error.meanSquare());
        assertEquals(2, error.largest());
        assertEquals(14.0 / 4, error.signal());
        assertEquals(Math.sqrt(1.25), error.rootMeanSquare());
        assertEquals(Math.sqrt(5.0 / 14), error.relative(), 1e-15);
        assertEquals(10 * Math.log10(14.0 / 5), error.decibels(), 1e-12);
        QuantizationError none = QuantizationError.of(new float[] {0}, new float[] {0});
        assertEquals(0, none.relative());
        assertThrows(IllegalArgumentException.class, () -> QuantizationError.of(new float[2], new float[3]));
    }

    /** Every bit more is worth about 6 dB: uniform values are off by a twelfth of a squared step. */
    @Test
    void signalToNoiseOfUniformValues() {
        Random random = new Random(3);
        float[] values = new float[40_000];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() * 2 - 1;
        }
        Scheme scheme = new Scheme(IntegerWidth.INT8, Symmetry.SYMMETRIC, new Granularity.PerTensor(), MIN_MAX);
        AffineMatrix matrix = AffineMatrix.quantize(values, 1, values.length, scheme);
        double step = 1 / 127.0;
        double expected = 10 * Math.log10(1 / 3.0 / (step * step / 12));
        assertEquals(expected, QuantizationError.of(values, matrix.dequantize()).decibels(), 0.1);
    }

    @Test
    void whatIsNoMatrixIsRefused() {
        Scheme scheme = new Scheme(IntegerWidth.INT8, Symmetry.SYMMETRIC, new Granularity.PerTensor(), MIN_MAX);
        assertThrows(IllegalArgumentException.class, () -> AffineMatrix.quantize(new float[5], 2, 3, scheme));
        assertThrows(
                IllegalArgumentException.class, () -> AffineMatrix.quantize(new float[] {1, Float.NaN}, 1, 2, scheme));
        assertThrows(IllegalArgumentException.class, () -> new Granularity.PerGroup(0));
        assertThrows(
                IllegalArgumentException.class,
                () -> new AffineMatrix(
                        2, 2, new Granularity.PerChannel(), List.of(), new PackedIntegers(IntegerWidth.INT8, 4)));
    }
}
