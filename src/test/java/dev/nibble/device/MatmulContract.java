package dev.nibble.device;

import dev.nibble.device.Operation.Matmul;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Quantize;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Quantize and Matmul. */
abstract class MatmulContract extends DeviceContract {
    MatmulContract(Subject subject) {
        super(subject);
    }

    /** The types that matrices may have: all that can be decoded, but for float64. */
    static Stream<TensorType> types() {
        return Arrays.stream(BlockFormat.values()).map(BlockFormat::type).filter(type -> type != TensorType.F64);
    }

    @ParameterizedTest
    @MethodSource("types")
    void everyTypeForOneRowAndForSeveral(TensorType type) {
        int columns = Math.max(32, type.blockLength()) * 3;
        verify(1, 5, rig -> matmul(rig, rig.rows(7, 7, 1, 0, 4, 2), type, columns, false, 33));
    }

    @ParameterizedTest
    @MethodSource("types")
    void everyTypeForNeverMoreThanOneRow(TensorType type) {
        int columns = Math.max(32, type.blockLength()) * 3;
        verify(10, 3, rig -> matmul(rig, rig.rows(1, 1, 0, 1), type, columns, true, 33, 70));
    }

    @ParameterizedTest
    @MethodSource("types")
    void everyTypeForAPrompt(TensorType type) {
        verify(2, 2, rig -> matmul(rig, rig.rows(33, 33, 29), type, 512, false, 7));
    }

    @ParameterizedTest
    @MethodSource("types")
    void everyTypeAtTheEndsOfItsRange(TensorType type) {
        for (byte fill : new byte[] {0, -1, -128, 127, (byte) 0x88, 0x77}) {
            verify(3, 1, rig -> {
                RowCount rows = rig.rows(3, 3);
                WeightShape shape = new WeightShape("extreme", type, 1, 17, 512);
                Weight weight = rig.weight(new RandomWeight(shape, fill), WeightUse.MATRIX);
                float[] extremes = new float[3 * 512];
                for (int i = 0; i < extremes.length; i++) {
                    // A row of largest values, one of least, one of both.
                    extremes[i] = i < 512 || i >= 1024 && i % 3 == 0 ? 1 : -1;
                }
                matmul(rig, rows, rig.floats(3, 512, (round, random) -> Rig.bits(extremes)), List.of(weight), false);
            });
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = TensorType.class,
            names = {"F32", "F16", "BF16"})
    void floatWeightsOfOddSizes(TensorType type) {
        for (int columns : new int[] {1, 7, 31, 33, 255, 257}) {
            for (int outputs : new int[] {1, 31, 257}) {
                verify(columns, 3, rig -> matmul(rig, rig.rows(7, 7, 1, 3), type, columns, true, outputs));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = TensorType.class,
            names = {"Q4_0", "Q8_0", "Q4_K", "Q6_K", "IQ2_XXS"})
    void oddNumbersOfOutputs(TensorType type) {
        for (int outputs : new int[] {1, 7, 31, 33, 255, 257}) {
            verify(outputs, 3, rig -> matmul(rig, rig.rows(9, 9, 1, 8), type, 256, true, outputs));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = TensorType.class,
            names = {"Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "IQ4_NL", "MXFP4"})
    void oddNumbersOfBlocks(TensorType type) {
        for (int blocks : new int[] {1, 2, 7, 9, 31}) {
            verify(blocks, 2, rig -> matmul(rig, rig.rows(5, 5, 1), type, 32 * blocks, false, 19));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 7, 31, 33, 65, 255, 257})
    void anyNumberOfRows(int n) {
        verify(n, 2, rig -> matmul(rig, rig.rows(n, n, (n + 1) / 2), TensorType.Q4_K, 256, true, 24));
        verify(n, 2, rig -> matmul(rig, rig.rows(n, n, (n + 1) / 2), TensorType.Q8_0, 96, false, 24));
        verify(n, 2, rig -> matmul(rig, rig.rows(n, n, (n + 1) / 2), TensorType.F16, 40, true, 24));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void groupsOfOneToFour(boolean bias) {
        int[] outputs = {64, 16, 33, 257};
        for (int count = 1; count <= outputs.length; count++) {
            int[] group = Arrays.copyOf(outputs, count);
            for (TensorType type : List.of(TensorType.Q4_0, TensorType.Q6_K, TensorType.BF16)) {
                verify(count, 4, rig -> matmul(rig, rig.rows(6, 6, 1, 5, 0), type, 256, bias, group));
            }
        }
    }

    @Test
    void groupsOfMixedTypes() {
        verify(4, 3, rig -> {
            List<Weight> weights = new ArrayList<>();
            for (TensorType type : List.of(TensorType.Q4_K, TensorType.F32, TensorType.Q6_K, TensorType.IQ3_S)) {
                weights.add(rig.weight(type, WeightUse.MATRIX, 1, 40, 256));
            }
            RowCount rows = rig.rows(5, 5, 1, 2);
            matmul(rig, rows, rig.input(rows, 256), weights, true);
        });
    }

    @Test
    void manyOutputsOverAllThreads() {
        verify(5, 3, rig -> matmul(rig, rig.rows(4, 1, 4, 2), TensorType.Q4_0, 128, false, 4097));
        verify(6, 3, rig -> matmul(rig, rig.rows(4, 1, 4, 2), TensorType.F32, 65, false, 2049));
    }

    @Test
    void rowsOfZerosAndOfVeryDifferentSizes() {
        verify(7, 1, rig -> {
            RowCount rows = rig.rows(4, 4);
            float[] values = new float[4 * 64];
            for (int i = 64; i < values.length; i++) {
                values[i] = (float) (Math.sin(i) * Math.pow(10, i % 32 / 8 - 2));
            }
            Buffer x = rig.floats(4, 64, (round, random) -> Rig.bits(values));
            matmul(rig, rows, x, List.of(rig.weight(TensorType.Q8_0, WeightUse.MATRIX, 1, 31, 64)), false);
        });
    }

    @Test
    void roundsHalvesUp() {
        verify(8, 1, rig -> {
            RowCount rows = rig.rows(2, 2);
            float[] values = new float[2 * 32];
            for (int i = 0; i < 32; i++) {
                // amax is 127, so the scale is 1 and these are halves.
                values[i] = i == 0 ? 127 : i - 15.5f;
                values[32 + i] = i == 0 ? -127 : 15.5f - i;
            }
            Buffer x = rig.floats(2, 32, (round, random) -> Rig.bits(values));
            matmul(rig, rows, x, List.of(rig.weight(TensorType.Q8_0, WeightUse.MATRIX, 1, 5, 32)), false);
        });
    }

    /** One quantized input read by two operations, and x overwritten in between: the quantized values stay. */
    @Test
    void quantizedOnceReadTwice() {
        verify(9, 3, rig -> {
            RowCount rows = rig.rows(5, 5, 1, 3);
            Buffer x = rig.inPlace(rows, 256);
            Buffer quantized = rig.between(ElementType.Q8, rows, 256);
            rig.add(new Quantize(rows, x, quantized));
            rig.add(new Operation.Gate(rows, Activation.SILU, x, x, x));
            for (TensorType type : List.of(TensorType.Q4_K, TensorType.Q5_0)) {
                Weight weight = rig.weight(type, WeightUse.MATRIX, 1, 24, 256);
                rig.add(new Matmul(rows, x, quantized, List.of(new Product(weight, null, rig.output(rows, 24)))));
            }
        });
    }

    private static void matmul(Rig rig, RowCount rows, TensorType type, int columns, boolean bias, int... outputs) {
        List<Weight> weights = new ArrayList<>();
        for (int output : outputs) {
            weights.add(rig.weight(type, WeightUse.MATRIX, 1, output, columns));
        }
        matmul(rig, rows, rig.input(rows, columns), weights, bias);
    }

    private static void matmul(Rig rig, RowCount rows, Buffer x, List<Weight> weights, boolean bias) {
        boolean floats = weights.stream().allMatch(weight -> weight.shape().takesFloats());
        Buffer quantized = null;
        if (!floats) {
            quantized = rig.between(ElementType.Q8, rows, x.width());
            rig.add(new Quantize(rows, x, quantized));
        }
        List<Product> products = new ArrayList<>();
        for (Weight weight : weights) {
            int outputs = weight.shape().rows();
            products.add(new Product(weight, bias ? rig.floats(1, outputs, 1) : null, rig.output(rows, outputs)));
        }
        rig.add(new Matmul(rows, x, quantized, products));
    }
}
