package dev.nibble.device;

import dev.nibble.device.Operation.ExpertMatmul;
import dev.nibble.device.Operation.Gate;
import dev.nibble.device.Operation.Matmul;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Quantize;
import dev.nibble.gguf.TensorType;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Products, their gate and what quantizes it, which CUDA devices do at once for few rows. */
@ExtendWith(NeedsCuda.class)
final class CudaGatedTest extends DeviceContract {
    private static final double TOLERANCE = 1e-9;

    /** A value that is rounded to the other int8 is an error of about 1e-6. */
    private static final double ONE_ROUNDING = 1e-5;

    CudaGatedTest() {
        super(new Subject(
                Devices.open("cuda:0", DeviceOptions.DEFAULT),
                Devices.open("reference", new DeviceOptions(1, false)),
                TOLERANCE));
    }

    static Stream<TensorType> types() {
        return MatmulContract.types();
    }

    /** The operations of a feed-forward layer before its last product. */
    private record Layer(Rig rig, RowCount rows, TensorType type, int columns, int width) {
        void gated(boolean inPlace, boolean biases) {
            Buffer x = rig.input(rows, columns);
            Buffer quantized = quantized(x);
            Buffer gate = rig.output(rows, width);
            Buffer up = rig.output(rows, width);
            Buffer out = inPlace ? gate : rig.output(rows, width);
            Product first = product(biases, gate);
            Product second = product(biases, up);
            rig.add(new Matmul(rows, x, quantized, inPlace ? List.of(first, second) : List.of(second, first)));
            rig.add(new Gate(rows, inPlace ? Activation.SILU : Activation.GELU, gate, up, out));
        }

        private Product product(boolean bias, Buffer out) {
            Weight weight = rig.weight(type, WeightUse.MATRIX, 1, width, columns);
            return new Product(weight, bias ? rig.floats(1, width, 1) : null, out);
        }

        void gatedExperts(int experts, int used) {
            Buffer ids = rig.integers(
                    rows,
                    used,
                    (round, random) ->
                            random.ints((long) used * rows.limit(), 0, experts).toArray());
            Buffer x = rig.input(rows, columns);
            Buffer quantized = quantized(x);
            Buffer gate = rig.output(rows, used * width);
            Buffer up = rig.between(ElementType.F32, rows, used * width);
            Weight first = rig.weight(type, WeightUse.MATRIX, experts, width, columns);
            Weight second = rig.weight(type, WeightUse.MATRIX, experts, width, columns);
            rig.add(new ExpertMatmul(
                    rows, ids, x, quantized, List.of(new Product(first, null, gate), new Product(second, null, up))));
            rig.add(new Gate(rows, Activation.SILU, gate, up, gate));
            down(gate, ids, experts, used);
        }

        /** The last product, which shows what was quantized. */
        private void down(Buffer gate, Buffer ids, int experts, int used) {
            Buffer quantized = rig.between(ElementType.Q8, rows, used * width);
            rig.add(new Quantize(rows, gate, quantized));
            Weight down = rig.weight(TensorType.Q8_0, WeightUse.MATRIX, experts, 33, width);
            Buffer out = rig.output(rows, used * 33);
            rig.add(new ExpertMatmul(rows, ids, gate, quantized, List.of(new Product(down, null, out))));
        }

        private @Nullable Buffer quantized(Buffer x) {
            if (type.blockLength() == 1) {
                return null;
            }
            Buffer quantized = rig.between(ElementType.Q8, rows, columns);
            rig.add(new Quantize(rows, x, quantized));
            return quantized;
        }
    }

    /** More panels than warps share, a last one that is not whole, and a tile that is not. */
    @ParameterizedTest
    @MethodSource("types")
    void oneRow(TensorType type) {
        int columns = 5 * 256 + (type.blockLength() == 256 ? 0 : 96);
        verify(1, 2, rig -> new Layer(rig, rig.rows(1, 1, 0), type, columns, 37).gated(true, false));
        verify(2, 2, rig -> new Layer(rig, rig.rows(1, 1, 1), type, columns, 65).gated(false, true));
    }

    @ParameterizedTest
    @MethodSource("types")
    void fewPlacesOfExperts(TensorType type) {
        int columns = type.blockLength() == 256 ? 256 : 96;
        verify(3, 2, ONE_ROUNDING, rig -> new Layer(rig, rig.rows(4, 4, 3), type, columns, 64).gatedExperts(5, 3));
        verify(4, 2, ONE_ROUNDING, rig -> new Layer(rig, rig.rows(1, 1, 1), type, columns, 96).gatedExperts(7, 2));
    }

    /** Too many rows to do so. */
    @Test
    void manyRows() {
        for (int limit : new int[] {2, 9}) {
            verify(
                    limit,
                    2,
                    rig -> new Layer(rig, rig.rows(limit, limit, 1), TensorType.Q4_0, 64, 32).gated(true, true));
        }
        verify(5, 1, ONE_ROUNDING, rig -> new Layer(rig, rig.rows(9, 9), TensorType.Q5_K, 256, 32).gatedExperts(3, 2));
    }
}
