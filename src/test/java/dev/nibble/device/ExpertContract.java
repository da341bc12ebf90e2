package dev.nibble.device;

import dev.nibble.device.Gating.Function;
import dev.nibble.device.Operation.Combine;
import dev.nibble.device.Operation.ExpertMatmul;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Quantize;
import dev.nibble.device.Operation.Route;
import dev.nibble.gguf.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Route, ExpertMatmul and Combine. */
abstract class ExpertContract extends DeviceContract {
    ExpertContract(Subject subject) {
        super(subject);
    }

    static List<TensorType> types() {
        return MatmulContract.types().toList();
    }

    @ParameterizedTest
    @CsvSource({
        "SOFTMAX, 8, 2, true, 1",
        "SOFTMAX, 128, 8, true, 1",
        "SOFTMAX, 64, 6, false, 1.5",
        "SIGMOID, 257, 8, true, 2.5",
        "SIGMOID, 33, 1, false, 1",
        "SOFTMAX, 7, 7, true, 1",
        "SOFTMAX, 1, 1, false, 1"
    })
    void routes(Function function, int experts, int used, boolean normalize, float scale) {
        verify(experts, 4, rig -> {
            RowCount rows = rig.rows(9, 9, 1, 0, 6);
            Gating gating = new Gating(function, used, normalize, scale);
            Buffer logits = rig.floats(9, experts, 2);
            rig.add(new Route(rows, gating, logits, rig.integerOutput(rows, used), rig.output(rows, used)));
        });
    }

    @ParameterizedTest
    @EnumSource(Function.class)
    void routesTiesToTheLowerIds(Function function) {
        verify(1, 8, rig -> {
            RowCount rows = rig.rows(5, 5, 5, 5, 5, 5, 5, 5, 5);
            Buffer logits = rig.floats(
                    5,
                    37,
                    (round, random) -> IntStream.range(0, 5 * 37)
                            .map(i -> Float.floatToRawIntBits(i < 37 ? 1 : random.nextInt(4)))
                            .toArray());
            Gating gating = new Gating(function, 6, true, 1);
            rig.add(new Route(rows, gating, logits, rig.integerOutput(rows, 6), rig.output(rows, 6)));
        });
    }

    /** The softmax takes the largest logit off first. */
    @Test
    void routesLargeLogits() {
        verify(2, 1, rig -> {
            RowCount rows = rig.rows(2, 2);
            Buffer logits =
                    rig.floats(2, 4, (round, random) -> Rig.bits(500, 501, 499, -500, -1000, -1001, -1000.5f, -1002));
            Gating gating = new Gating(Function.SOFTMAX, 3, false, 1);
            rig.add(new Route(rows, gating, logits, rig.integerOutput(rows, 3), rig.output(rows, 3)));
        });
    }

    @ParameterizedTest
    @MethodSource("types")
    void expertsThatShareTheirInput(TensorType type) {
        int columns = type.blockLength() == 1 ? 33 : 512;
        verify(3, 4, rig -> experts(rig, rig.rows(7, 7, 1, 0, 4), 5, 3, columns, columns, type, 19, 1));
    }

    @ParameterizedTest
    @MethodSource("types")
    void expertsWithInputsOfTheirOwn(TensorType type) {
        int columns = type.blockLength() == 1 ? 31 : 256;
        verify(4, 4, rig -> experts(rig, rig.rows(7, 7, 1, 0, 4), 5, 3, columns, 3 * columns, type, 33, 1));
    }

    @Test
    void groupsOfExpertMatrices() {
        for (int count = 1; count <= 4; count++) {
            int products = count;
            verify(5, 3, rig -> experts(rig, rig.rows(33, 33, 1, 20), 8, 2, 256, 256, TensorType.Q4_K, 40, products));
        }
    }

    @Test
    void oneExpertPerRowAndOneExpertForAll() {
        verify(6, 3, rig -> experts(rig, rig.rows(5, 5, 1, 4), 3, 1, 64, 64, TensorType.Q8_0, 257, 2));
        verify(7, 3, rig -> experts(rig, rig.rows(40, 40, 1, 39), 1, 1, 64, 64, TensorType.Q4_0, 65, 2));
    }

    private static void experts(
            Rig rig,
            RowCount rows,
            int experts,
            int used,
            int columns,
            int width,
            TensorType type,
            int outputs,
            int products) {
        Buffer ids = rig.integers(rows, used, (round, random) -> {
            int[] chosen = new int[rows.limit() * used];
            for (int i = 0; i < chosen.length; i += used) {
                int first = random.nextInt(experts);
                for (int j = 0; j < used; j++) {
                    chosen[i + j] = (first + 2 * j) % experts;
                }
            }
            return chosen;
        });
        Buffer x = rig.input(rows, width);
        List<Product> group = new ArrayList<>();
        for (int i = 0; i < products; i++) {
            Weight weight = rig.weight(type, WeightUse.MATRIX, experts, outputs + i, columns);
            group.add(new Product(weight, null, rig.output(rows, used * (outputs + i))));
        }
        Buffer quantized = null;
        if (!group.getFirst().weight().shape().takesFloats()) {
            quantized = rig.between(ElementType.Q8, rows, width);
            rig.add(new Quantize(rows, x, quantized));
        }
        rig.add(new ExpertMatmul(rows, ids, x, quantized, group));
    }

    @Test
    void combines() {
        for (int width : new int[] {1, 7, 31, 33, 255, 257}) {
            for (int used : new int[] {1, 2, 8}) {
                verify(width, 4, rig -> {
                    RowCount rows = rig.rows(6, 6, 1, 0, 5);
                    Buffer x = rig.input(rows, used * width);
                    rig.add(new Combine(rows, x, rig.input(rows, used), rig.output(rows, width)));
                });
            }
        }
    }

    /** Each head's part by a matrix of its own. */
    @ParameterizedTest
    @CsvSource({"F16, 33, 5", "Q8_0, 64, 40", "Q6_K, 256, 9"})
    void headsWithMatricesOfTheirOwn(TensorType type, int columns, int heads) {
        verify(heads, 3, rig -> {
            RowCount rows = rig.rows(7, 7, 1, 3);
            Buffer ids = rig.integers(
                    rows,
                    heads,
                    (round, random) ->
                            IntStream.range(0, 7 * heads).map(i -> i % heads).toArray());
            Buffer x = rig.input(rows, heads * columns);
            Weight weight = rig.weight(type, WeightUse.MATRIX, heads, 48, columns);
            Buffer quantized = null;
            if (!weight.shape().takesFloats()) {
                quantized = rig.between(ElementType.Q8, rows, heads * columns);
                rig.add(new Quantize(rows, x, quantized));
            }
            Product product = new Product(weight, null, rig.output(rows, heads * 48));
            rig.add(new ExpertMatmul(rows, ids, x, quantized, List.of(product)));
        });
    }

    /** Router to combined output in one step: ids and weights never leave the device. */
    @Test
    void routedFeedForward() {
        verify(8, 4, rig -> {
            RowCount rows = rig.rows(6, 6, 1, 0, 5);
            Buffer x = rig.input(rows, 256);
            Buffer quantized = rig.between(ElementType.Q8, rows, 256);
            Buffer ids = rig.between(ElementType.I32, rows, 2);
            Buffer weights = rig.between(ElementType.F32, rows, 2);
            Buffer gate = rig.between(ElementType.F32, rows, 2 * 96);
            Buffer up = rig.between(ElementType.F32, rows, 2 * 96);
            Buffer logits = rig.input(rows, 7);
            rig.add(new Route(rows, new Gating(Function.SOFTMAX, 2, true, 1), logits, ids, weights));
            rig.add(new Quantize(rows, x, quantized));
            List<Product> wide = List.of(
                    new Product(rig.weight(TensorType.Q4_K, WeightUse.MATRIX, 7, 96, 256), null, gate),
                    new Product(rig.weight(TensorType.Q4_K, WeightUse.MATRIX, 7, 96, 256), null, up));
            rig.add(new ExpertMatmul(rows, ids, x, quantized, wide));
            rig.add(new Operation.Gate(rows, Activation.SILU, gate, up, gate));
            Weight down = rig.weight(TensorType.F16, WeightUse.MATRIX, 7, 64, 96);
            Buffer parts = rig.between(ElementType.F32, rows, 2 * 64);
            rig.add(new ExpertMatmul(rows, ids, gate, null, List.of(new Product(down, null, parts))));
            rig.add(new Combine(rows, parts, weights, rig.output(rows, 64)));
        });
    }
}
