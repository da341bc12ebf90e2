package dev.nibble.device;

import dev.nibble.device.AttentionOperation.WriteKv;
import dev.nibble.device.Operation.Combine;
import dev.nibble.device.Operation.Gate;
import dev.nibble.device.Operation.Hadamard;
import dev.nibble.device.Operation.Norm;
import dev.nibble.device.Operation.Rope;
import dev.nibble.device.Operation.Route;
import dev.nibble.device.opencl.AlteredDevice;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Attention and what is around it, with the kernels that a GPU gets: work-items that share rows, queries and tokens. */
@Tag("slow")
@ExtendWith(NeedsOpenCl.class)
class OpenClHeadsTest extends DeviceContract {
    OpenClHeadsTest() {
        super(new Subject(AlteredDevice.gpu(), Devices.open("reference", new DeviceOptions(1, false)), 1e-9));
    }

    /** One row, whose tokens are split over work-groups, and many. */
    @ParameterizedTest
    @CsvSource({
        "F32, 48, F32, 80, 16, 3, 0, 0",
        "F16, 64, F16, 64, 32, 4, 0, 0",
        "F16, 128, Q8_0, 128, 40, 7, 50, 0",
        "Q8_0, 64, Q4_0, 32, 32, 1, 0, 3",
        "Q4_0, 256, F16, 128, 64, 2, 100, 5"
    })
    void attends(
            KvType keyType,
            int keySize,
            KvType valueType,
            int valueSize,
            int pageTokens,
            int sharing,
            int window,
            float softcap) {
        KvLayout layout = new KvLayout(2, keySize, valueSize, keyType, valueType, pageTokens);
        AttentionForm form = new AttentionForm(2 * sharing, 0.1f, window, softcap);
        for (int rows : new int[] {1, 41}) {
            int[][] queries = IntStream.range(0, rows)
                    .mapToObj(i -> new int[] {i == 0 ? 169 : i * 7 % 170, i % 3 / 2})
                    .toArray(int[][]::new);
            verify(
                    rows,
                    2,
                    rig -> AttentionScene.of(rig, layout, 170, 170).attend(form, true, queries, rows, rows - 1));
        }
    }

    @ParameterizedTest
    @EnumSource(RopeStyle.class)
    void turnsHeadsAndWritesThem(RopeStyle style) {
        for (int norms = 0; norms < 2; norms++) {
            boolean normalized = norms == 1;
            verify(3, 2, rig -> turn(rig, style, normalized));
        }
    }

    private static void turn(Rig rig, RopeStyle style, boolean normalized) {
        RowCount rows = rig.rows(5, 5, 3);
        Buffer positions =
                rig.integers(rows, 1, (round, random) -> IntStream.range(0, 5).toArray());
        Buffer slots = rig.integers(rows, 1, (round, random) -> new int[5]);
        Buffer pageTable = rig.integers(1, 1, (round, random) -> new int[] {1});
        Buffer q = rig.inPlace(rows, 4 * 96);
        Buffer k = rig.inPlace(rows, 2 * 96);
        Buffer frequencies = rig.floats(1, 40, 1);
        for (Buffer x : List.of(q, k)) {
            if (normalized) {
                rig.add(new Norm(rows, NormKind.RMS, 1e-6f, x, rig.floats(1, 96, 1), null, x));
            }
            rig.add(new Rope(rows, positions, x, 96, style, frequencies, 1.25f));
        }
        KvLayout layout = new KvLayout(2, 96, 96, KvType.Q8_0, KvType.F16, 32);
        KvPages cache = rig.cache(layout, 2);
        rig.add(new WriteKv(rows, positions, slots, pageTable, k, rig.input(rows, 2 * 96), cache));
        Buffer out = rig.output(rows, 4 * 96);
        AttentionForm form = new AttentionForm(4, 0.1f, 0, 0);
        rig.add(new AttentionOperation.Attention(rows, positions, slots, pageTable, q, cache, form, null, out));
        rig.add(new Rope(rows, positions, rig.inPlace(rows, 33), 33, style, rig.floats(1, 7, 1), 1));
    }

    @Test
    void worksOnRowsOfFeedForwardLayers() {
        verify(4, 3, rig -> {
            RowCount rows = rig.rows(5, 5, 1, 0);
            for (int size : new int[] {1, 8, 64, 1024}) {
                rig.add(new Hadamard(rows, rig.inPlace(rows, 3 * size), size));
            }
            for (Activation activation : Activation.values()) {
                rig.add(new Gate(rows, activation, rig.input(rows, 777), rig.input(rows, 777), rig.output(rows, 777)));
            }
            rig.add(new Combine(rows, rig.input(rows, 3 * 333), rig.input(rows, 3), rig.output(rows, 333)));
            for (int experts : new int[] {7, 300}) {
                for (Gating.Function function : Gating.Function.values()) {
                    Gating gating = new Gating(function, 5, true, 1.5f);
                    Buffer logits = rig.floats(5, experts, 2);
                    rig.add(new Route(rows, gating, logits, rig.integerOutput(rows, 5), rig.output(rows, 5)));
                }
            }
        });
    }
}
