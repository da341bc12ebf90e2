package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.DeviceContract.Subject;
import dev.nibble.device.Operation.ArgMax;
import dev.nibble.device.Operation.Embed;
import dev.nibble.device.Operation.ExpertMatmul;
import dev.nibble.device.Operation.Matmul;
import dev.nibble.device.Operation.Norm;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Quantize;
import dev.nibble.device.Operation.TopK;
import dev.nibble.device.opencl.AlteredDevice;
import dev.nibble.gguf.TensorType;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products of kernels that the contract of the device at hand does not reach. */
@Tag("slow")
@ExtendWith(NeedsOpenCl.class)
final class OpenClProductsTest {
    private static final double TOLERANCE = 1e-9;

    private static Subject subject(Device device) {
        return new Subject(device, Devices.open("reference", new DeviceOptions(1, false)), TOLERANCE);
    }

    /** The kernels that a GPU gets, with a work-item for each row and pinned staging. */
    @Nested
    class AsOnAGpu extends DeviceContract {
        AsOnAGpu() {
            super(subject(AlteredDevice.gpu()));
        }

        @ParameterizedTest
        @EnumSource(
                value = TensorType.class,
                names = {"F16", "Q4_0", "Q6_K", "MXFP4"})
        void multiplies(TensorType type) {
            for (int limit : new int[] {1, 5, 35}) {
                verify(limit, 2, rig -> matmul(rig, rig.rows(limit, limit, limit - 1), type, 512, 33, 70));
            }
        }

        @ParameterizedTest
        @ValueSource(ints = {3, 40})
        void multipliesByExperts(int limit) {
            verify(limit, 2, rig -> experts(rig, rig.rows(limit, limit, limit - 1), TensorType.Q5_K));
        }
    }

    /** The same with dot products of bytes and sub-groups. */
    @Nested
    class AsOnAGpuWithFeatures extends DeviceContract {
        AsOnAGpuWithFeatures() {
            super(subject(AlteredDevice.gpuWithFeatures()));
        }

        @ParameterizedTest
        @EnumSource(
                value = TensorType.class,
                names = {"Q8_0", "Q5_1", "IQ4_NL", "IQ2_XXS"})
        void multiplies(TensorType type) {
            verify(3, 2, rig -> matmul(rig, rig.rows(5, 5, 4), type, 512, 33, 70));
        }

        @Test
        void norms() {
            verify(4, 2, rig -> {
                RowCount rows = rig.rows(5, 5, 3);
                Buffer x = rig.input(rows, 3 * 257);
                Buffer out = rig.output(rows, 3 * 257);
                rig.add(new Norm(rows, NormKind.LAYER, 0.25f, x, rig.floats(1, 257, 1), rig.floats(1, 257, 1), out));
            });
        }

        @ParameterizedTest
        @CsvSource({"Q8_0, 96, Q4_0, 2", "Q4_0, 64, Q8_0, 4", "F16, 64, F16, 3"})
        void attends(KvType keyType, int size, KvType valueType, int sharing) {
            KvLayout layout = new KvLayout(2, size, size, keyType, valueType, 32);
            AttentionForm form = new AttentionForm(2 * sharing, 0.1f, 0, 0);
            int[][] queries = {{169, 0}, {4, 1}, {63, 0}, {64, 0}, {0, 0}, {31, 0}, {100, 1}, {5, 0}, {6, 0}};
            verify(5, 2, rig -> AttentionScene.of(rig, layout, 170, 170).attend(form, true, queries, 9, 8));
        }
    }

    /** Kernels of all families where a work-group may have 64 work-items at most. */
    @Nested
    class InSmallGroups extends DeviceContract {
        InSmallGroups() {
            super(subject(AlteredDevice.gpu(64)));
        }

        @ParameterizedTest
        @ValueSource(ints = {1, 5})
        void multiplies(int limit) {
            verify(limit, 2, rig -> matmul(rig, rig.rows(limit, limit, limit), TensorType.Q4_K, 512, 33, 70));
        }

        @Test
        void worksOnRows() {
            verify(4, 2, rig -> {
                RowCount rows = rig.rows(5, 5, 3);
                Buffer weight = rig.floats(1, 257, 1);
                Buffer x = rig.input(rows, 3 * 257);
                rig.add(new Norm(rows, NormKind.LAYER, 0.25f, x, weight, weight, rig.output(rows, 3 * 257)));
                rig.add(new ArgMax(rows, x, rig.integerOutput(rows, 1)));
                rig.add(new TopK(rows, x, rig.integerOutput(rows, 40), rig.output(rows, 40)));
            });
        }

        @Test
        void attends() {
            KvLayout layout = new KvLayout(2, 64, 64, KvType.F16, KvType.Q8_0, 32);
            AttentionForm form = new AttentionForm(8, 0.1f, 0, 0);
            int[][] queries = {{169, 0}, {4, 1}, {63, 0}};
            verify(5, 2, rig -> AttentionScene.of(rig, layout, 170, 170).attend(form, true, queries, 3, 2));
        }
    }

    /** A CPU whose compiler is not given 512 bits of bytes at once: other types, tables by vectors of their own. */
    @Nested
    class WithoutAvx512 extends DeviceContract {
        WithoutAvx512() {
            super(subject(AlteredDevice.cpuWithoutAvx512()));
        }

        @ParameterizedTest
        @EnumSource(
                value = TensorType.class,
                names = {
                    "F16", "Q4_0", "Q8_0", "Q2_K", "Q6_K", "IQ4_NL", "MXFP4", "TQ1_0", "IQ1_S", "IQ1_M", "IQ2_XXS",
                    "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S"
                })
        void multiplies(TensorType type) {
            verify(3, 2, rig -> matmul(rig, rig.rows(5, 5, 4), type, 512, 33, 70));
        }

        @ParameterizedTest
        @EnumSource(names = {"Q8_0", "Q4_0"})
        void attends(KvType type) {
            KvLayout layout = new KvLayout(2, 64, 64, type, type, 32);
            AttentionForm form = new AttentionForm(4, 0.1f, 0, 0);
            int[][] queries = {{169, 0}, {4, 1}, {63, 0}};
            verify(5, 2, rig -> AttentionScene.of(rig, layout, 170, 170).attend(form, true, queries, 3, 2));
        }
    }

    /** Weights that do not fit one allocation. */
    @Nested
    class OfSmallAllocations extends DeviceContract {
        OfSmallAllocations() {
            super(subject(AlteredDevice.ofSmallAllocations(40_000)));
        }

        @ParameterizedTest
        @ValueSource(ints = {1, 9})
        void multiplies(int limit) {
            // 512 columns of Q8_0 take 544 bytes: two tiles of 32 rows fit, of 200 rows there are seven.
            verify(limit, 2, rig -> matmul(rig, rig.rows(limit, limit, limit - 1), TensorType.Q8_0, 512, 200, 33, 129));
        }

        @Test
        void looksUp() {
            verify(1, 2, rig -> {
                RowCount rows = rig.rows(30, 30, 29);
                Weight table = rig.weight(TensorType.Q4_K, WeightUse.TABLE, 1, 700, 256);
                rig.add(new Embed(rows, rig.indices(rows, 700), table, rig.output(rows, 256)));
            });
        }

        @ParameterizedTest
        @ValueSource(ints = {2, 20})
        void multipliesByExperts(int limit) {
            verify(limit, 2, rig -> experts(rig, rig.rows(limit, limit, limit - 1), TensorType.Q4_0));
        }
    }

    @Test
    void refusesTypesThatItHasNoKernelFor() {
        try (Device device = Devices.open("opencl:0", DeviceOptions.DEFAULT)) {
            WeightShape shape = new WeightShape("blk.0.ffn_up.weight", TensorType.F64, 1, 32, 256);
            String message = assertThrows(
                            UnsupportedFeatureException.class, () -> device.weightBytes(shape, WeightUse.MATRIX))
                    .getMessage();
            assertTrue(message.contains("blk.0.ffn_up.weight"), message);
            assertTrue(message.contains("opencl:0"), message);
            assertTrue(message.contains("Q4_K"), message);
        }
    }

    private static void matmul(Rig rig, RowCount rows, TensorType type, int columns, int... outputs) {
        Buffer x = rig.input(rows, columns);
        List<Product> products = Arrays.stream(outputs)
                .mapToObj(output -> new Product(
                        rig.weight(type, WeightUse.MATRIX, 1, output, columns),
                        rig.floats(1, output, 1),
                        rig.output(rows, output)))
                .toList();
        rig.add(new Matmul(rows, x, quantized(rig, rows, x, products), products));
    }

    private static void experts(Rig rig, RowCount rows, TensorType type) {
        Buffer ids = rig.integers(
                rows, 2, (round, random) -> random.ints(2L * rows.limit(), 0, 7).toArray());
        Buffer x = rig.input(rows, 256);
        List<Product> products = List.of(
                new Product(rig.weight(type, WeightUse.MATRIX, 7, 96, 256), null, rig.output(rows, 2 * 96)),
                new Product(rig.weight(type, WeightUse.MATRIX, 7, 33, 256), null, rig.output(rows, 2 * 33)));
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
