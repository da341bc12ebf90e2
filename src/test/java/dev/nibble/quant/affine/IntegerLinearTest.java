package dev.nibble.quant.affine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers in integers against integers of any length. */
class IntegerLinearTest {
    private static final AffineParameters INPUT = new AffineParameters(0.05f, 17, -128, 127);
    private static final AffineParameters OUTPUT = new AffineParameters(0.3f, -9, -128, 127);

    /** A layer and all that the oracle needs to compute it by its definition. */
    private record Layer(
            AffineMatrix weights, float @Nullable [] bias, AffineParameters input, AffineParameters output) {
        IntegerLinear prepared() {
            return new IntegerLinear(weights, bias, input, output);
        }

        BigInteger accumulator(int row, byte[] x) {
            BigInteger sum = BigInteger.ZERO;
            int zero = weights.parameters(row, 0).zeroPoint();
            for (int i = 0; i < x.length; i++) {
                long weight = weights.integers().get(row * x.length + i) - zero;
                sum = sum.add(BigInteger.valueOf(weight * (x[i] - input.zeroPoint())));
            }
            return clip(sum.add(bias(row)), Integer.MIN_VALUE, Integer.MAX_VALUE);
        }

        private BigInteger bias(int row) {
            if (bias == null) {
                return BigInteger.ZERO;
            }
            double scale = (double) weights.parameters(row, 0).scale() * input.scale();
            BigInteger nearest = new BigDecimal(bias[row] / scale)
                    .setScale(0, RoundingMode.HALF_EVEN)
                    .toBigIntegerExact();
            return clip(nearest, Integer.MIN_VALUE, Integer.MAX_VALUE);
        }

        int output(int row, byte[] x) {
            double scale = (double) weights.parameters(row, 0).scale() * input.scale();
            FixedPointMultiplier multiplier = FixedPointMultiplier.of(scale / output.scale());
            BigDecimal product = new BigDecimal(accumulator(row, x)).multiply(new BigDecimal(multiplier.real()));
            BigInteger rounded = product.add(new BigDecimal("0.5"))
                    .setScale(0, RoundingMode.FLOOR)
                    .toBigIntegerExact();
            BigInteger integer =
                    clip(rounded, Integer.MIN_VALUE, Integer.MAX_VALUE).add(BigInteger.valueOf(output.zeroPoint()));
            return clip(integer, output.least(), output.greatest()).intValueExact();
        }

        private static BigInteger clip(BigInteger value, long least, long greatest) {
            return value.max(BigInteger.valueOf(least)).min(BigInteger.valueOf(greatest));
        }

        void check(byte[] x) {
            IntegerLinear layer = prepared();
            int rows = weights.rows();
            byte[] shifted = new byte[x.length + 5];
            System.arraycopy(x, 0, shifted, 3, x.length);
            int[] accumulators = new int[rows];
            layer.accumulate(shifted, 3, accumulators);
            byte[] y = new byte[rows + 2];
            Arrays.fill(y, (byte) 99);
            layer.apply(shifted, 3, y, 1);
            for (int row = 0; row < rows; row++) {
                assertEquals(accumulator(row, x).intValueExact(), accumulators[row], "accumulator of row " + row);
                assertEquals(output(row, x), y[1 + row], "row " + row);
            }
            assertEquals(99, y[0]);
            assertEquals(99, y[rows + 1]);
        }
    }

    private static AffineMatrix matrix(int rows, int columns, Random random, boolean symmetric) {
        PackedIntegers integers = new PackedIntegers(IntegerWidth.INT8, rows * columns);
        for (int i = 0; i < integers.length(); i++) {
            integers.set(i, symmetric ? random.nextInt(-127, 128) : random.nextInt(-128, 128));
        }
        List<AffineParameters> parameters = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
            float scale = (float) Math.exp(random.nextGaussian() - 4);
            parameters.add(
                    symmetric
                            ? new AffineParameters(scale, 0, -127, 127)
                            : new AffineParameters(scale, random.nextInt(-128, 128), -128, 127));
        }
        return new AffineMatrix(rows, columns, new Granularity.PerChannel(), parameters, integers);
    }

    private static byte[] bytes(int count, Random random) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private static float[] biases(int rows, Random random, double size) {
        float[] bias = new float[rows];
        for (int row = 0; row < rows; row++) {
            bias[row] = (float) (random.nextGaussian() * size);
        }
        return bias;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 31, 33, 255, 257, 4099})
    void symmetricAndAsymmetricWeights(int columns) {
        Random random = new Random(columns);
        for (boolean symmetric : new boolean[] {true, false}) {
            for (int round = 0; round < 20; round++) {
                AffineMatrix weights = matrix(9, columns, random, symmetric);
                float[] bias = round % 2 == 0 ? null : biases(9, random, 5);
                new Layer(weights, bias, INPUT, OUTPUT).check(bytes(columns, random));
            }
        }
    }

    /** Every pair of int8, with zero points at both ends and between. */
    @Test
    void everyProductOfTwoIntegers() {
        PackedIntegers integers = new PackedIntegers(IntegerWidth.INT8, 256);
        for (int i = 0; i < 256; i++) {
            integers.set(i, i - 128);
        }
        for (int weightZero : new int[] {-128, 0, 127}) {
            AffineParameters scale = new AffineParameters(0.01f, weightZero, -128, 127);
            AffineMatrix weights = new AffineMatrix(256, 1, new Granularity.PerTensor(), List.of(scale), integers);
            for (int inputZero : new int[] {-128, 3, 127}) {
                AffineParameters input = new AffineParameters(0.5f, inputZero, -128, 127);
                Layer layer = new Layer(weights, null, input, new AffineParameters(0.77f, 5, -128, 127));
                for (int x = -128; x < 128; x++) {
                    layer.check(new byte[] {(byte) x});
                }
            }
        }
    }

    /** The longest rows of the largest products, and biases that lie beyond 32 bits. */
    @Test
    void accumulatorsAndOutputsAreSaturated() {
        int columns = 40_000;
        PackedIntegers integers = new PackedIntegers(IntegerWidth.INT8, 2 * columns);
        for (int i = 0; i < 2 * columns; i++) {
            integers.set(i, i < columns ? -128 : 127);
        }
        AffineParameters end = new AffineParameters(1, 127, -128, 127);
        AffineMatrix weights = new AffineMatrix(2, columns, new Granularity.PerChannel(), List.of(end, end), integers);
        byte[] x = new byte[columns];
        Arrays.fill(x, (byte) -128);
        AffineParameters input = new AffineParameters(1, 127, -128, 127);
        // 255 · 255 · 40,000 is more than 2^31.
        for (float bias : new float[] {0, -1e9f, 1e30f, -1e30f}) {
            Layer layer = new Layer(weights, new float[] {bias, bias}, input, OUTPUT);
            layer.check(x);
        }
        assertEquals(
                Integer.MAX_VALUE,
                new Layer(weights, null, input, OUTPUT).accumulator(0, x).intValueExact());
    }

    @Test
    void extremeMultipliers() {
        Random random = new Random(4);
        AffineMatrix weights = matrix(5, 33, random, true);
        for (float scale : new float[] {Float.MIN_NORMAL, 1e-20f, 1e20f, Float.MAX_VALUE}) {
            AffineParameters output = new AffineParameters(scale, 0, -128, 127);
            new Layer(weights, null, INPUT, output).check(bytes(33, random));
        }
    }

    @Test
    void narrowOutputsAreClippedToTheirRange() {
        Random random = new Random(5);
        AffineMatrix weights = matrix(64, 40, random, true);
        byte[] x = bytes(40, random);
        AffineParameters output = new AffineParameters(0.5f, 1, -2, 1);
        new Layer(weights, null, INPUT, output).check(x);
        byte[] y = new byte[64];
        new IntegerLinear(weights, null, INPUT, output).apply(x, 0, y, 0);
        for (byte integer : y) {
            assertTrue(integer >= -2 && integer <= 1);
        }
    }

    /** From reals to reals: no further off than the quantization of inputs, weights and outputs explains. */
    @ParameterizedTest
    @EnumSource(Symmetry.class)
    void approximatesTheLayerOfReals(Symmetry symmetry) {
        Random random = new Random(6);
        int rows = 24;
        int columns = 300;
        float[] weights = biases(rows * columns, random, 0.1);
        float[] x = biases(columns, random, 2);
        float[] bias = biases(rows, random, 1);
        AffineMatrix matrix = AffineMatrix.quantize(
                weights,
                rows,
                columns,
                new AffineMatrix.Scheme(
                        IntegerWidth.INT8, symmetry, new Granularity.PerChannel(), new RangeCalibration.MinMax()));
        AffineParameters input = AffineParameters.of(Range.of(x, 0, columns), Symmetry.ASYMMETRIC, IntegerWidth.INT8);
        float[] wanted = new float[rows];
        for (int row = 0; row < rows; row++) {
            double sum = bias[row];
            for (int i = 0; i < columns; i++) {
                sum += (double) weights[row * columns + i] * x[i];
            }
            wanted[row] = (float) sum;
        }
        AffineParameters output =
                AffineParameters.of(Range.of(wanted, 0, rows), Symmetry.ASYMMETRIC, IntegerWidth.INT8);
        byte[] quantized = new byte[columns];
        for (int i = 0; i < columns; i++) {
            quantized[i] = (byte) input.quantize(x[i]);
        }
        byte[] y = new byte[rows];
        new IntegerLinear(matrix, bias, input, output).apply(quantized, 0, y, 0);
        float[] found = new float[rows];
        for (int row = 0; row < rows; row++) {
            found[row] = output.dequantize(y[row]);
        }
        double error = QuantizationError.of(wanted, found).relative();
        assertTrue(error < 0.02, "relative error " + error);
    }

    @Test
    void whatIntegersCannotDoIsRefused() {
        Random random = new Random(7);
        AffineMatrix groups = AffineMatrix.quantize(
                biases(64, random, 1),
                2,
                32,
                new AffineMatrix.Scheme(
                        IntegerWidth.INT8,
                        Symmetry.SYMMETRIC,
                        new Granularity.PerGroup(16),
                        new RangeCalibration.MinMax()));
        assertThrows(IllegalArgumentException.class, () -> new IntegerLinear(groups, null, INPUT, OUTPUT));
        AffineMatrix weights = matrix(2, 3, random, true);
        assertThrows(IllegalArgumentException.class, () -> new IntegerLinear(weights, new float[3], INPUT, OUTPUT));
        assertThrows(
                IllegalArgumentException.class,
                () -> new IntegerLinear(weights, new float[] {0, Float.NaN}, INPUT, OUTPUT));
        assertThrows(
                IllegalArgumentException.class,
                () -> new IntegerLinear(weights, null, new AffineParameters(1, 0, -300, 300), OUTPUT));
        IntegerLinear layer = new IntegerLinear(weights, null, INPUT, OUTPUT);
        assertThrows(IndexOutOfBoundsException.class, () -> layer.apply(new byte[2], 0, new byte[2], 0));
        assertThrows(IndexOutOfBoundsException.class, () -> layer.apply(new byte[3], 0, new byte[2], 1));
    }
}
