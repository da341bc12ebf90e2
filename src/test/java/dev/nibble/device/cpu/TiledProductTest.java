package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.WeightShape;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TiledProductTest {
    private static final int[] ROWS = {1, 7, 31, 32, 33, 255, 257};
    private static final int[] COLUMNS = {32, 64, 96, 256, 288, 512, 544};
    private static final int[] TOKENS = {1, 2, 3, 4, 5, 7, 8, 9, 33};

    @ParameterizedTest
    @EnumSource(names = {"Q4_0", "Q8_0"})
    void equalsScalarProduct(TensorType type) {
        for (int rows : ROWS) {
            for (int columns : COLUMNS) {
                if (columns % type.blockLength() == 0) {
                    compare(new WeightShape("w", type, 1, rows, columns));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "F16", "BF16", "IQ1_S", "IQ2_XXS", "IQ3_S", "MXFP4", "TQ1_0", "TQ2_0"})
    void decodesOtherTypesOnTheFly(TensorType type) {
        int columns = type.blockLength() == 256 ? 768 : 544;
        compare(new WeightShape("w", type, 1, 33, columns));
        compare(new WeightShape("w", type, 1, 7, type.blockLength() == 256 ? 256 : 32));
    }

    @Test
    void floatWeightsMayHaveAnyNumberOfColumns() {
        compare(new WeightShape("w", TensorType.F32, 1, 5, 1));
        compare(new WeightShape("w", TensorType.F16, 1, 33, 531));
    }

    @ParameterizedTest
    @EnumSource(names = {"Q4_0", "Q8_0"})
    void packedSizeIsWithinThreePercentOfTheFile(TensorType type) {
        WeightShape shape = new WeightShape("w", type, 1, 320, 2048);
        assertTrue(
                PackedMatrix.packedBytes(shape) <= 1.03 * shape.bytes(),
                () -> PackedMatrix.packedBytes(shape) + " bytes for " + shape.bytes());
    }

    @Test
    void expertsBeginWithATileAndRowsAreSelected() {
        WeightShape shape = new WeightShape("w", TensorType.Q4_0, 3, 40, 64);
        RandomWeights weights = RandomWeights.of(shape, 5);
        Activations x = Activations.random(6, 64, 7);
        MemorySegment out = poisoned(6, 40);
        RowSelection selection = new RowSelection(3, new int[] {4, 0, 4}, new int[] {1, 5, 2});
        new TiledProduct(weights.packed(), x.quantized(), null, selection, new FloatRows(out, 160), null).compute(2, 4);
        double[] expected = product(weights.decoded(), 40 * 64, 40, 64, x.dequantized(), 6);
        float[] results = out.toArray(ValueLayout.JAVA_FLOAT);
        for (int i = 0; i < 3; i++) {
            int to = selection.output(i) * 40;
            int from = selection.input(i) * 40;
            assertClose(
                    Arrays.copyOfRange(expected, from, from + 40),
                    Arrays.copyOfRange(results, to, to + 40),
                    "selected row " + i);
        }
        for (int row : new int[] {0, 3, 4}) {
            assertTrue(Float.isNaN(results[row * 40]), "row " + row + " was not selected");
        }
    }

    @Test
    void quantizesByTheFormula() {
        Activations x = Activations.random(5, 96, 3);
        float[] values = x.floats().clone();
        Arrays.fill(values, 32, 64, 0);
        QuantizedRows rows = Activations.quantize(values, 5, 96);
        for (int block = 0; block < 5 * 3; block++) {
            float amax = 0;
            for (int i = 0; i < 32; i++) {
                amax = Math.max(amax, Math.abs(values[block * 32 + i]));
            }
            assertEquals(amax / 127, rows.scales[block]);
            float inverse = amax == 0 ? 0 : 127 / amax;
            int[] q = new int[32];
            for (int i = 0; i < 32; i++) {
                q[i] = (int) (values[block * 32 + i] * inverse + 128.5f) - 128;
                assertEquals(q[i], rows.integers[block * 32 + i]);
                int pair = rows.pairs[block * 16 + i / 4 * 2 + i % 2];
                assertEquals(q[i], i % 4 < 2 ? (short) pair : pair >> 16);
            }
            for (int half = 0; half < 2; half++) {
                int sum = Arrays.stream(q, half * 16, half * 16 + 16).sum();
                int pair = rows.pairSums[block * 2 + half];
                assertEquals(sum, (short) pair + (pair >> 16));
                assertEquals(sum * rows.scales[block], rows.sums[block * 2 + half]);
            }
        }
    }

    private static void compare(WeightShape shape) {
        RandomWeights weights = RandomWeights.of(shape, shape.rows() * 1000L + shape.columns());
        PackedMatrix packed = weights.packed();
        int most = TOKENS[TOKENS.length - 1];
        int rows = shape.rows();
        Activations x = Activations.random(most, shape.columns(), 11);
        float[] bias = Activations.random(1, rows, 12).floats();
        float[] inputs = shape.takesFloats() ? x.floats() : x.dequantized();
        double[] expected = product(weights.decoded(), 0, rows, shape.columns(), inputs, most);
        for (int tokens : TOKENS) {
            boolean biased = tokens % 2 == 0;
            MemorySegment out = poisoned(tokens + 1, rows + 3);
            long stride = (rows + 3) * Float.BYTES;
            TiledProduct product = new TiledProduct(
                    packed,
                    shape.takesFloats() ? null : x.quantized(),
                    shape.takesFloats() ? x.rows() : null,
                    RowSelection.first(tokens),
                    new FloatRows(out, stride),
                    biased ? MemorySegment.ofArray(bias) : null);
            product.compute(0, PackedMatrix.tiles(shape));
            float[] results = out.toArray(ValueLayout.JAVA_FLOAT);
            for (int t = 0; t < tokens; t++) {
                double[] wanted = Arrays.copyOfRange(expected, t * rows, (t + 1) * rows);
                for (int row = 0; biased && row < rows; row++) {
                    wanted[row] += bias[row];
                }
                float[] found = Arrays.copyOfRange(results, t * (rows + 3), t * (rows + 3) + rows);
                assertClose(wanted, found, shape + " token " + t + " of " + tokens);
            }
            assertUntouched(results, tokens, rows);
        }
    }

    private static void assertUntouched(float[] results, int tokens, int rows) {
        for (int t = 0; t <= tokens; t++) {
            for (int row = t < tokens ? rows : 0; row < rows + 3; row++) {
                assertTrue(Float.isNaN(results[t * (rows + 3) + row]), "written beyond the end");
            }
        }
    }

    /** (token, row) products in double precision. */
    private static double[] product(float[] w, int from, int rows, int columns, float[] x, int tokens) {
        double[] results = new double[tokens * rows];
        for (int t = 0; t < tokens; t++) {
            for (int row = 0; row < rows; row++) {
                double sum = 0;
                for (int c = 0; c < columns; c++) {
                    sum += (double) w[from + row * columns + c] * x[t * columns + c];
                }
                results[t * rows + row] = sum;
            }
        }
        return results;
    }

    private static MemorySegment poisoned(int rows, int columns) {
        float[] values = new float[rows * columns];
        Arrays.fill(values, Float.NaN);
        return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, values);
    }

    private static void assertClose(double[] expected, float[] found, String what) {
        double error = 0;
        double size = 0;
        for (int i = 0; i < expected.length; i++) {
            error += (found[i] - expected[i]) * (found[i] - expected[i]);
            size += expected[i] * expected[i];
        }
        double nmse = error / size;
        assertTrue(nmse <= 1e-9, () -> what + ": NMSE " + nmse);
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

        QuantizedRows quantized() {
            return quantize(floats, count, columns);
        }

        static QuantizedRows quantize(float[] values, int count, int columns) {
            QuantizedRows quantized = new QuantizedRows(count, columns);
            MemorySegment x = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, values);
            for (int row = 0; row < count; row++) {
                quantized.quantize(x, (long) row * columns * Float.BYTES, row);
            }
            return quantized;
        }

        /** What the integers stand for. */
        float[] dequantized() {
            QuantizedRows q = quantized();
            float[] values = new float[count * columns];
            for (int i = 0; i < values.length; i++) {
                values[i] = q.integers[i] * q.scales[i / 32];
            }
            return values;
        }
    }
}
