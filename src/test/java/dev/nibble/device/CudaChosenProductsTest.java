package dev.nibble.device;

import dev.nibble.device.cuda.CudaProperties;
import dev.nibble.gguf.TensorType;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Products of few rows by the kernels that a measurement may choose. */
@ExtendWith(NeedsCuda.class)
class CudaChosenProductsTest {
    @Nested
    class AlwaysTensorCores extends FewRows {
        AlwaysTensorCores() {
            super(1);
        }
    }

    @Nested
    class TensorCoresAsLateAsCanBe extends FewRows {
        TensorCoresAsLateAsCanBe() {
            super(Integer.MAX_VALUE);
        }
    }

    abstract static class FewRows extends DeviceContract {
        FewRows(int tensorRows) {
            super(new Subject(open(tensorRows), Devices.open("reference", new DeviceOptions(1, false)), 1e-9));
        }

        private static Device open(int tensorRows) {
            System.setProperty(CudaProperties.TENSOR_ROWS, Integer.toString(tensorRows));
            try {
                return Devices.open("cuda:0", DeviceOptions.DEFAULT);
            } finally {
                System.clearProperty(CudaProperties.TENSOR_ROWS);
            }
        }

        @Test
        void fewRows() {
            for (TensorType type : List.of(TensorType.Q4_0, TensorType.Q2_K, TensorType.Q6_K, TensorType.IQ2_XXS)) {
                for (int limit : new int[] {1, 2, 4}) {
                    verify(
                            limit,
                            2,
                            rig -> CudaProductsTest.matmul(rig, rig.rows(limit, limit, limit - 1), type, 2560, 37, 70));
                }
            }
        }

        /** Those of 16 bits have both kernels for any number of rows. */
        @Test
        void rowsOfFloats() {
            for (TensorType type : List.of(TensorType.F16, TensorType.BF16)) {
                for (int limit : new int[] {1, 8, 9, 40, 130}) {
                    verify(
                            limit,
                            2,
                            rig -> CudaProductsTest.matmul(
                                    rig, rig.rows(limit, limit, Math.min(limit, 7)), type, 328, 37, 70));
                }
            }
        }

        /** Activations are split into numbers of 16 bits, of which some have few exponents. */
        @Test
        void rowsOfFloatsOfAnySize() {
            for (TensorType type : List.of(TensorType.F16, TensorType.BF16)) {
                for (double size : new double[] {1e-35, 1e-12, 1e12, 1e35}) {
                    verify(3, 1, rig -> {
                        RowCount rows = rig.rows(3, 3);
                        Weight weight = rig.weight(type, WeightUse.MATRIX, 1, 40, 64);
                        Operation.Product product = new Operation.Product(weight, null, rig.output(rows, 40));
                        rig.add(new Operation.Matmul(rows, rig.floats(3, 64, size), null, List.of(product)));
                    });
                }
            }
        }
    }
}
