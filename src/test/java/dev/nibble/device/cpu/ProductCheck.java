package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.WeightShape;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Compares tiled products with scalar ones in double precision. */
final class ProductCheck {
    private static final int[] TOKENS = {1, 2, 3, 4, 5, 7, 8, 9, 33, 67};

    private ProductCheck() {}

    /** For a Java process with other vectors: a few sizes of each layout. */
    public static void main(String[] arguments) {
        for (TileLayout layout : TileLayout.values()) {
            TensorType type = TensorType.valueOf(layout.name());
            int columns = type.blockLength() == 32 ? 288 : 256;
            RandomWeights weights = RandomWeights.of(new WeightShape("w", type, 1, 33, columns), columns);
            compare(weights, Activations.random(5, columns, 11), new int[] {1, 5});
        }
        compare(new WeightShape("w", TensorType.F16, 1, 33, 33));
        FixedPointProductsTest.compare(33);
        FixedPointProductsTest.compare(600);
        System.out.println(Lanes.BITS + " bits");
    }

    static void compare(WeightShape shape) {
        RandomWeights weights = RandomWeights.of(shape, shape.rows() * 1000L + shape.columns());
        compare(weights, Activations.random(TOKENS[TOKENS.length - 1], shape.columns(), 11), TOKENS);
    }

    static void compare(RandomWeights weights, Activations x, int[] counts) {
        WeightShape shape = weights.shape();
        PackedMatrix packed = weights.packed();
        int rows = shape.rows();
        float[] bias = Activations.random(1, rows, 12).floats();
        float[] inputs = shape.takesFloats() ? x.floats() : x.dequantized();
        Expected expected = Expected.product(weights.decoded(), 0, rows, shape.columns(), inputs, x.count());
        Optional<NativeKernels> kernels = NativeKernels.chosen();
        for (int tokens : counts) {
            compare(packed, x, tokens, Optional.empty(), expected, bias);
            if (kernels.flatMap(present -> present.products().of(shape.type())).isPresent()) {
                compare(packed, x, tokens, kernels, expected, bias);
            }
        }
    }

    private static void compare(
            PackedMatrix packed,
            Activations x,
            int tokens,
            Optional<NativeKernels> kernels,
            Expected expected,
            float[] bias) {
        WeightShape shape = packed.shape();
        int rows = shape.rows();
        boolean biased = tokens % 2 == 0;
        MemorySegment out = poisoned(tokens + 1, rows + 3);
        long stride = (rows + 3) * Float.BYTES;
        TiledProduct product = new TiledProduct(
                packed,
                shape.takesFloats() ? null : x.quantized(kernels),
                shape.takesFloats() ? new FloatActivations(x.rows(), kernels.orElse(null)) : null,
                RowSelection.first(tokens),
                new FloatRows(out, stride),
                biased ? MemorySegment.ofArray(bias) : null);
        product.compute(0, PackedMatrix.tiles(shape));
        float[] results = out.toArray(ValueLayout.JAVA_FLOAT);
        for (int t = 0; t < tokens; t++) {
            String what = shape + " token " + t + " of " + tokens;
            expected.assertClose(t * rows, rows, biased ? bias : null, results, t * (rows + 3), what);
        }
        assertUntouched(results, tokens, rows);
    }

    private static void assertUntouched(float[] results, int tokens, int rows) {
        for (int t = 0; t <= tokens; t++) {
            for (int row = t < tokens ? rows : 0; row < rows + 3; row++) {
                assertTrue(Float.isNaN(results[t * (rows + 3) + row]), "written beyond the end");
            }
        }
    }

    /** (token, row) products in double precision, and of each the sum of the squared terms. */
    record Expected(double[] values, double[] squares) {
        static Expected product(float[] w, int from, int rows, int columns, float[] x, int tokens) {
            Expected expected = new Expected(new double[tokens * rows], new double[tokens * rows]);
            for (int t = 0; t < tokens; t++) {
                for (int row = 0; row < rows; row++) {
                    double sum = 0;
                    double squares = 0;
                    for (int c = 0; c < columns; c++) {
                        double term = (double) w[from + row * columns + c] * x[t * columns + c];
                        sum += term;
                        squares += term * term;
                    }
                    expected.values[t * rows + row] = sum;
                    expected.squares[t * rows + row] = squares;
                }
            }
            return expected;
        }

        /**
         * Compares results from {@code at} on. The error is measured against the mean square that a sum of such terms has if
         * their signs are random: a single result may be near 0 by chance.
         */
        void assertClose(int from, int count, float @Nullable [] bias, float[] found, int at, String what) {
            double error = 0;
            double size = 0;
            for (int i = 0; i < count; i++) {
                double difference = values[from + i] + (bias == null ? 0 : bias[i]) - found[at + i];
                error += difference * difference;
                size += squares[from + i];
            }
            String message = what + ": NMSE " + error / size;
            assertTrue(error <= 1e-9 * size, message);
        }
    }

    static MemorySegment poisoned(int rows, int columns) {
        float[] values = new float[rows * columns];
        Arrays.fill(values, Float.NaN);
        return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, values);
    }

    /** Rows of random activations. */
    record Activations(float[] floats, int count, int columns) {
        static Activations random(int count, int columns, long seed) {
            Random random = new Random(seed);
            float[] values = new float[count * columns];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            return new Activations(values, count, columns);
        }

        FloatRows rows() {
            return new FloatRows(
                    Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, floats), (long) columns * Float.BYTES);
        }

        /** For the kernels of the Vector API, or for native ones where they are. */
        QuantizedActivations quantized(Optional<NativeKernels> kernels) {
            return quantize(kernels, floats, count, columns);
        }

        static QuantizedActivations quantize(Optional<NativeKernels> kernels, float[] values, int count, int columns) {
            QuantizedActivations quantized = new QuantizedActivations(kernels, count, columns);
            for (BlockFormat format : BlockFormat.values()) {
                quantized.require(format.type());
            }
            MemorySegment x = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, values);
            for (int row = 0; row < count; row++) {
                quantized.quantize(x, (long) row * columns * Float.BYTES, row, 0, columns);
            }
            return quantized;
        }

        /** What the integers stand for. */
        float[] dequantized() {
            QuantizedRows q = quantized(Optional.empty()).vectors();
            float[] values = new float[count * columns];
            for (int i = 0; i < values.length; i++) {
                values[i] = q.integers[i] * q.scales[i / 32];
            }
            return values;
        }
    }
}
