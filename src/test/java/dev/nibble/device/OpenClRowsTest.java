package dev.nibble.device;

import dev.nibble.device.Operation.AddNorm;
import dev.nibble.device.Operation.Gate;
import dev.nibble.device.Operation.Gather;
import dev.nibble.device.Operation.Matmul;
import dev.nibble.device.Operation.Norm;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Quantize;
import dev.nibble.device.opencl.AlteredDevice;
import dev.nibble.gguf.TensorType;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Norms, quantization and gates, with the kernels that a GPU gets: work-items that share a row. */
@ExtendWith(NeedsOpenCl.class)
class OpenClRowsTest extends DeviceContract {
    private static final int[] WIDTHS = {1, 33, 257, 1024};

    OpenClRowsTest() {
        super(new Subject(AlteredDevice.gpu(), Devices.open("reference", new DeviceOptions(1, false)), 1e-9));
    }

    @ParameterizedTest
    @EnumSource(NormKind.class)
    void norms(NormKind kind) {
        for (int width : WIDTHS) {
            verify(width, 2, rig -> {
                RowCount rows = rig.rows(5, 5, 3);
                Buffer bias = width % 2 == 0 ? null : rig.floats(1, width, 1);
                Buffer weight = rig.floats(1, width, 1);
                rig.add(new Norm(
                        rows, kind, 0.25f, rig.input(rows, 3 * width), weight, bias, rig.output(rows, 3 * width)));
                Buffer residual = rig.inPlace(rows, width);
                Buffer delta = rig.input(rows, width);
                rig.add(new AddNorm(rows, kind, 0.25f, delta, residual, weight, bias, rig.output(rows, width)));
            });
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 33, 257, 4099})
    void picks(int width) {
        verify(width, 2, rig -> {
            RowCount rows = rig.rows(6, 6, 4);
            Buffer source = rig.floats(11, width, 1);
            rig.add(new Gather(rows, source, rig.indices(rows, 11), rig.output(rows, width)));
        });
    }

    /** Quantized by itself, with a norm, and with a gate, as the products show. */
    @ParameterizedTest
    @ValueSource(ints = {32, 96, 352, 1024})
    void quantizes(int width) {
        verify(width, 2, rig -> {
            RowCount rows = rig.rows(5, 5, 3);
            product(rig, rows, rig.input(rows, width));
            Buffer norm = rig.output(rows, width);
            rig.add(new AddNorm(
                    rows,
                    NormKind.RMS,
                    1e-5f,
                    rig.input(rows, width),
                    rig.inPlace(rows, width),
                    rig.floats(1, width, 1),
                    null,
                    norm));
            product(rig, rows, norm);
            Buffer gate = rig.inPlace(rows, width);
            rig.add(new Gate(rows, Activation.SILU, gate, rig.input(rows, width), gate));
            product(rig, rows, gate);
        });
    }

    private static void product(Rig rig, RowCount rows, Buffer x) {
        Buffer quantized = rig.between(ElementType.Q8, rows, x.width());
        rig.add(new Quantize(rows, x, quantized));
        Weight weight = rig.weight(TensorType.Q8_0, WeightUse.MATRIX, 1, 40, x.width());
        rig.add(new Matmul(rows, x, quantized, List.of(new Product(weight, null, rig.output(rows, 40)))));
    }
}
