package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Operation.Embed;
import dev.nibble.device.Operation.ExpertMatmul;
import dev.nibble.device.Operation.Matmul;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Quantize;
import dev.nibble.gguf.TensorType;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products of shapes that choose kernels which the contract of devices does not reach. */
@ExtendWith(NeedsCuda.class)
final class CudaProductsTest extends DeviceContract {
    private static final double TOLERANCE = 1e-9;

    CudaProductsTest() {
        super(new Subject(
                Devices.open("cuda:0", DeviceOptions.DEFAULT),
                Devices.open("reference", new DeviceOptions(1, false)),
                TOLERANCE));
    }

    static Stream<TensorType> types() {
        return MatmulContract.types();
    }

    /** More panels of 256 columns than a block has warps, and a last one that is not whole. */
    @ParameterizedTest
    @MethodSource("types")
    void rowsThatManyWarpsShare(TensorType type) {
        int columns = 10 * 256 + (type.blockLength() == 256 ? 0 : 96);
        for (int limit : new int[] {1, 2, 4, 8, 20, 129}) {
            verify(limit, 2, rig -> matmul(rig, rig.rows(limit, limit, limit - 1), type, columns, 37));
        }
    }

    /** Columns of floats that fill no piece of 16 bytes. */
    @ParameterizedTest
    @ValueSource(ints = {2050, 2053, 2055})
    void rowsOfFloatsOfOddLengths(int columns) {
        for (TensorType type : List.of(TensorType.F32, TensorType.F16, TensorType.BF16)) {
            for (int limit : new int[] {1, 3, 17, 130}) {
                verify(columns, 2, rig -> matmul(rig, rig.rows(limit, limit, 1), type, columns, 33));
            }
        }
    }

    /** Experts that few and many places chose, down to none and up to all. */
    @ParameterizedTest
    @CsvSource({"3, 4, 9", "9, 2, 33", "9, 4, 10", "9, 4, 6", "40, 4, 5", "70, 1, 3", "2, 9, 200"})
    void placesOfExperts(int limit, int used, int experts) {
        for (TensorType type : List.of(TensorType.Q4_K, TensorType.MXFP4, TensorType.IQ1_M, TensorType.F16)) {
            verify(limit, 3, rig -> experts(rig, rig.rows(limit, limit, 1, limit - 1), type, used, experts));
        }
    }

    /** More rows in a group of weights than a tile has, tiles that begin in the middle of the blocks of many warps. */
    @Test
    void groupsOfSmallWeights() {
        for (int limit : new int[] {1, 3, 40, 70}) {
            verify(limit, 2, rig -> matmul(rig, rig.rows(limit, limit, 1), TensorType.Q5_1, 288, 1, 33, 70, 32));
            verify(limit, 2, rig -> matmul(rig, rig.rows(limit, limit, 1), TensorType.BF16, 40, 5, 64, 31, 1));
        }
    }

    @ParameterizedTest
    @MethodSource("types")
    void looksUpLongRows(TensorType type) {
        int columns = 5 * 256 + (type.blockLength() == 256 ? 0 : 96);
        verify(1, 2, rig -> {
            RowCount rows = rig.rows(9, 9, 8);
            Weight table = rig.weight(type, WeightUse.TABLE, 1, 70, columns);
            rig.add(new Embed(rows, rig.indices(rows, 70), table, rig.output(rows, columns)));
        });
    }

    @Test
    void sameInputSameBits() throws Exception {
        assertSameBits(rig -> matmul(rig, rig.rows(8, 8), TensorType.Q4_0, 2048, 65));
        assertSameBits(rig -> matmul(rig, rig.rows(1, 1), TensorType.Q6_K, 2048, 65));
        assertSameBits(rig -> matmul(rig, rig.rows(133, 133), TensorType.F16, 515, 65));
        assertSameBits(rig -> experts(rig, rig.rows(20, 20), TensorType.Q5_K, 3, 8));
    }

    private void assertSameBits(Consumer<Rig> declare) throws Exception {
        List<Rig.Output> first = outputs(declare);
        List<Rig.Output> second = outputs(declare);
        assertTrue(!first.isEmpty());
        assertEquals(first.size(), second.size());
        for (int i = 0; i < first.size(); i++) {
            assertArrayEquals(
                    first.get(i).after(), second.get(i).after(), first.get(i).name());
        }
    }

    private List<Rig.Output> outputs(Consumer<Rig> declare) throws Exception {
        try (Rig rig = new Rig(device(), 11)) {
            declare.accept(rig);
            return rig.run(1);
        }
    }

    @Test
    void refusesTypesThatItHasNoKernelFor() {
        WeightShape shape = new WeightShape("blk.0.ffn_up.weight", TensorType.F64, 1, 32, 256);
        String message = assertThrows(
                        UnsupportedFeatureException.class, () -> device().weightBytes(shape, WeightUse.MATRIX))
                .getMessage();
        assertTrue(message.contains("blk.0.ffn_up.weight"), message);
        assertTrue(message.contains("cuda:0"), message);
        assertTrue(message.contains("Q4_K"), message);
    }

    static void matmul(Rig rig, RowCount rows, TensorType type, int columns, int... outputs) {
        Buffer x = rig.input(rows, columns);
        List<Product> products = Arrays.stream(outputs)
                .mapToObj(output -> new Product(
                        rig.weight(type, WeightUse.MATRIX, 1, output, columns),
                        rig.floats(1, output, 1),
                        rig.output(rows, output)))
                .toList();
        rig.add(new Matmul(rows, x, quantized(rig, rows, x, products), products));
    }

    private static void experts(Rig rig, RowCount rows, TensorType type, int used, int experts) {
        Buffer ids = rig.integers(
                rows,
                used,
                (round, random) ->
                        random.ints((long) used * rows.limit(), 0, experts).toArray());
        Buffer x = rig.input(rows, 256);
        List<Product> products = List.of(
                new Product(rig.weight(type, WeightUse.MATRIX, experts, 65, 256), null, rig.output(rows, used * 65)),
                new Product(rig.weight(type, WeightUse.MATRIX, experts, 33, 256), null, rig.output(rows, used * 33)));
        rig.add(new ExpertMatmul(rows, ids, x, quantized(rig, rows, x, products), products));
    }

    private static @Nullable Buffer quantized(Rig rig, RowCount rows, Buffer x, List<Product> products) {
        if (products.getFirst().weight().shape().takesFloats()) {
            return null;
        }
        Buffer quantized = rig.between(ElementType.Q8, rows, x.width());
        rig.add(new Quantize(rows, x, quantized));
        return quantized;
    }
}
