package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Operation.Matmul;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Quantize;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import dev.nibble.quant.affine.ChannelScales;
import dev.nibble.quant.affine.FixedPointMultiplier;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products in {@link Arithmetic#FIXED_POINT} against its definition, in decimals of any length. */
class FixedPointTest {
    private static Device open(String name) {
        return Devices.open(name, new DeviceOptions(2, Arithmetic.FIXED_POINT));
    }

    /** One row of integers with what they mean. */
    private record Integers(float scale, int zeroPoint, int[] values) {
        static Integers symmetric(float[] reals) {
            double most = 0;
            for (float real : reals) {
                most = Math.max(most, Math.abs(real));
            }
            return of(reals, (float) (most / 127), 0, -127);
        }

        static Integers asymmetric(float[] reals) {
            double least = 0;
            double greatest = 0;
            for (float real : reals) {
                least = Math.min(least, real);
                greatest = Math.max(greatest, real);
            }
            float scale = (float) ((greatest - least) / 255);
            return of(reals, scale, (int) Math.rint(-128 - least / scale), -128);
        }

        private static Integers of(float[] reals, float scale, int zeroPoint, int least) {
            int[] values = new int[reals.length];
            for (int i = 0; i < values.length; i++) {
                int nearest = new BigDecimal(reals[i] / scale)
                        .setScale(0, RoundingMode.HALF_EVEN)
                        .intValueExact();
                values[i] = Math.clamp((long) nearest + zeroPoint, least, 127);
            }
            return new Integers(scale, zeroPoint, values);
        }
    }

    /** The outputs of one row of activations. */
    private static float[] expected(float[][] weights, float[] x, float @Nullable [] bias) {
        Integers input = Integers.asymmetric(x);
        Integers[] channels = Arrays.stream(weights).map(Integers::symmetric).toArray(Integers[]::new);
        double largest =
                Arrays.stream(channels).mapToDouble(Integers::scale).max().orElseThrow();
        // The largest possible sum, 255 · 127 · columns, shall just fit 30 bits.
        int power = 0;
        while (255L * 127 * x.length * Math.pow(2, power + 1) < 1L << 30) {
            power++;
        }
        double unit = largest / Math.pow(2, power);
        int[] sums = new int[weights.length];
        for (int i = 0; i < sums.length; i++) {
            int[] channel = channels[i].values;
            int sum = IntStream.range(0, x.length)
                    .map(k -> channel[k] * (input.values[k] - input.zeroPoint))
                    .sum();
            sums[i] = times(sum, FixedPointMultiplier.of(channels[i].scale / unit));
        }
        return requantized(sums, unit * input.scale, bias);
    }

    private static float[] requantized(int[] sums, double unit, float @Nullable [] bias) {
        int least = Math.min(0, Arrays.stream(sums).min().orElseThrow());
        int greatest = Math.max(0, Arrays.stream(sums).max().orElseThrow());
        FixedPointMultiplier multiplier = FixedPointMultiplier.of(255.0 / (greatest - least));
        float step = (float) ((greatest - least) * unit / 255);
        int zeroPoint = -128 - times(least, multiplier);
        float[] outputs = new float[sums.length];
        for (int i = 0; i < sums.length; i++) {
            int integer = Math.clamp((long) times(sums[i], multiplier) + zeroPoint, -128, 127);
            outputs[i] = step * (integer - zeroPoint) + (bias == null ? 0 : bias[i]);
        }
        return outputs;
    }

    /** Rounded to nearest, ties upwards. */
    private static int times(int sum, FixedPointMultiplier multiplier) {
        return new BigDecimal(sum)
                .multiply(new BigDecimal(multiplier.real()))
                .add(new BigDecimal("0.5"))
                .setScale(0, RoundingMode.FLOOR)
                .intValueExact();
    }

    private static float[] row(int count, Random random) {
        float[] row = new float[count];
        double size = Math.exp(random.nextGaussian());
        double shift = random.nextGaussian();
        for (int i = 0; i < count; i++) {
            row[i] = (float) (size * (random.nextGaussian() + shift));
        }
        return row;
    }

    private static float[][] decoded(WeightSource source) {
        float[][] rows = new float[source.shape().rows()][source.shape().columns()];
        for (int i = 0; i < rows.length; i++) {
            BlockFormat.of(source.shape().type()).decode(source.rows(i, 1), 0, rows[i], 0, rows[i].length);
        }
        return rows;
    }

    /** Multiplies rows by a weight on a device; quantized weights get quantized rows. */
    private static float[][] multiply(Device device, Weight weight, float[][] x, float @Nullable [] bias) {
        int n = x.length;
        int columns = weight.shape().columns();
        int outputs = weight.shape().rows();
        try (Buffer live = device.allocate(ElementType.I32, 1, 1);
                Buffer in = device.allocate(ElementType.F32, n, columns);
                Buffer offsets = device.allocate(ElementType.F32, 1, outputs);
                Buffer out = device.allocate(ElementType.F32, n, outputs)) {
            device.queue().write(live, 0, MemorySegment.ofArray(new int[] {n}));
            for (int i = 0; i < n; i++) {
                device.queue().write(in, (long) i * columns, MemorySegment.ofArray(x[i]));
            }
            device.queue().write(offsets, 0, MemorySegment.ofArray(bias == null ? new float[outputs] : bias));
            RowCount rows = new RowCount(live, n);
            List<Product> product = List.of(new Product(weight, bias == null ? null : offsets, out));
            if (weight.shape().takesFloats()) {
                device.queue().submit(device.prepare(List.of(new Matmul(rows, in, null, product))));
            } else {
                Buffer quantized = device.allocate(ElementType.Q8, n, columns);
                device.queue()
                        .submit(device.prepare(
                                List.of(new Quantize(rows, in, quantized), new Matmul(rows, in, quantized, product))));
            }
            float[][] results = new float[n][outputs];
            for (int i = 0; i < n; i++) {
                device.queue().read(out, (long) i * outputs, MemorySegment.ofArray(results[i]));
            }
            return results;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "reference, F32, 1",
        "reference, F16, 33",
        "reference, Q8_0, 96",
        "reference, Q4_K, 512",
        "cpu, F32, 1",
        "cpu, F32, 257",
        "cpu, F16, 1000",
        "cpu, BF16, 33",
        "cpu, Q8_0, 96",
        "cpu, Q4_K, 512",
        "cpu, Q4_0, 4128"
    })
    void productsFollowTheDefinition(String name, TensorType type, int columns) {
        Random random = new Random(columns);
        try (Device device = open(name)) {
            RandomWeight source = new RandomWeight(new WeightShape("w", type, 1, 37, columns), 1);
            float[][] rows = decoded(source);
            float[] bias = row(37, random);
            Weight weight = device.load(source, WeightUse.MATRIX);
            for (int n : new int[] {1, 6}) {
                float[][] x = new float[n][];
                Arrays.setAll(x, i -> row(columns, random));
                float[] added = n == 1 ? null : bias;
                float[][] found = multiply(device, weight, x, added);
                for (int i = 0; i < n; i++) {
                    assertEquals(Arrays.toString(expected(rows, x[i], added)), Arrays.toString(found[i]));
                }
            }
        }
    }

    /** The outputs of a row that holds no number are none, and do not touch other rows. */
    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void rowsWithoutNumbersGiveNone(String name) {
        try (Device device = open(name)) {
            for (TensorType type : new TensorType[] {TensorType.F16, TensorType.Q8_0}) {
                RandomWeight source = new RandomWeight(new WeightShape("w", type, 1, 5, 64), 2);
                Weight weight = device.load(source, WeightUse.MATRIX);
                for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                    float[][] x = {row(64, new Random(1)), row(64, new Random(2)), row(64, new Random(3))};
                    float[][] right = multiply(device, weight, x, null);
                    x[1][63] = wrong;
                    float[][] found = multiply(device, weight, x, null);
                    assertEquals(Arrays.toString(right[0]), Arrays.toString(found[0]));
                    assertEquals(Arrays.toString(right[2]), Arrays.toString(found[2]));
                    for (float value : found[1]) {
                        assertTrue(Float.isNaN(value), type + " with " + wrong + " gave " + value);
                    }
                }
                float[][] zeros = multiply(device, weight, new float[1][64], new float[] {1, 2, 3, 4, 5});
                assertEquals("[1.0, 2.0, 3.0, 4.0, 5.0]", Arrays.toString(zeros[0]));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void weightsWithoutIntegersAreRefused(String name) {
        try (Device device = open(name)) {
            float[] values = row(3 * 8, new Random(1));
            values[17] = Float.NaN;
            WeightShape shape = new WeightShape("blk.0.broken", TensorType.F32, 1, 3, 8);
            WeightSource source = new WeightSource() {
                @Override
                public WeightShape shape() {
                    return shape;
                }

                @Override
                public MemorySegment rows(long firstRow, int count) {
                    return MemorySegment.ofArray(values).asSlice(firstRow * 32, count * 32L);
                }
            };
            var refused = assertThrows(UnsupportedFeatureException.class, () -> device.load(source, WeightUse.MATRIX));
            assertTrue(refused.getMessage().contains("blk.0.broken, row 2"), refused.getMessage());
            int columns = (ChannelScales.MOST_COLUMNS / 32 + 1) * 32;
            WeightShape wide = new WeightShape("blk.0.wide", TensorType.Q8_0, 1, 1, columns);
            refused = assertThrows(UnsupportedFeatureException.class, () -> device.weightBytes(wide, WeightUse.MATRIX));
            assertTrue(refused.getMessage().contains("blk.0.wide"), refused.getMessage());
            assertTrue(refused.getMessage().contains(Integer.toString(columns)), refused.getMessage());
        }
    }
}
