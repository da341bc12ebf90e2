package dev.nibble.device;

import dev.nibble.device.AttentionOperation.Attention;
import dev.nibble.device.AttentionOperation.WriteKv;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention on tensor cores, beside what every device must do: the first CUDA device against the reference. */
@Tag("slow")
@ExtendWith(NeedsCuda.class)
class CudaFlashTest extends DeviceContract {
    CudaFlashTest() {
        super(new Subject(
                Devices.open("cuda:0", DeviceOptions.DEFAULT),
                Devices.open("reference", new DeviceOptions(1, false)),
                1e-9));
    }

    static Stream<Arguments> pairs() {
        KvType[] types = {KvType.F16, KvType.Q8_0, KvType.Q4_0};
        return Arrays.stream(types).flatMap(keys -> Arrays.stream(types).map(values -> Arguments.of(keys, values)));
    }

    /** Many rows of two sequences, in turns and with holes between their positions; then a row of heads that share a key. */
    @ParameterizedTest
    @MethodSource("pairs")
    void everyPairOfTypes(KvType keyType, KvType valueType) {
        KvLayout layout = new KvLayout(1, 128, 96, keyType, valueType, 48);
        AttentionForm form = new AttentionForm(7, 0.1f, 150, 4);
        int[][] rows = IntStream.range(0, 45)
                .mapToObj(i -> new int[] {(i * 29 + 170) % 210, i / 6 % 2})
                .toArray(int[][]::new);
        verify(31, 1, rig -> AttentionScene.of(rig, layout, 210, 210).attend(form, true, rows));
        AttentionForm one = new AttentionForm(18, 0.1f, 0, 0);
        verify(32, 1, rig -> AttentionScene.of(rig, layout, 700).attend(one, true, new int[][] {{699, 0}}));
    }

    /** Large heads whose keys and values are of different types. */
    @ParameterizedTest
    @MethodSource("pairs")
    void everyPairOfTypesInLargeHeads(KvType keyType, KvType valueType) {
        KvLayout layout = new KvLayout(1, 224, 160, keyType, valueType, 32);
        AttentionForm form = new AttentionForm(5, 0.1f, 0, 0);
        int[][] rows =
                IntStream.range(0, 23).mapToObj(i -> new int[] {4 * i, 0}).toArray(int[][]::new);
        verify(35, 1, rig -> AttentionScene.of(rig, layout, 90).attend(form, true, rows));
        verify(36, 1, rig -> AttentionScene.of(rig, layout, 140).attend(form, false, new int[][] {{139, 0}}));
    }

    @ParameterizedTest
    @CsvSource({
        "F16, 192, 128",
        "F16, 80, 80",
        "F16, 40, 8",
        "F16, 256, 248",
        "Q8_0, 192, 128",
        "Q8_0, 96, 32",
        "Q4_0, 192, 96",
        "Q4_0, 96, 96",
        "Q8_0, 256, 256",
        "Q4_0, 256, 224"
    })
    void everySize(KvType type, int keySize, int valueSize) {
        KvLayout layout = new KvLayout(2, keySize, valueSize, type, type, 32);
        AttentionForm form = new AttentionForm(8, 0.2f, 0, 0);
        int[][] rows =
                IntStream.range(0, 33).mapToObj(i -> new int[] {3 * i, 0}).toArray(int[][]::new);
        verify(keySize, 1, rig -> AttentionScene.of(rig, layout, 100).attend(form, false, rows));
        verify(
                keySize,
                1,
                rig -> AttentionScene.of(rig, layout, 300).attend(form, true, new int[][] {{299, 0}, {31, 0}}));
    }

    /** Queries beyond the range of halves, and below it; a scale below zero. */
    @ParameterizedTest
    @CsvSource({"1e9, 1e-10", "1e-20, 1e19", "3e-39, 1", "1, -0.3", "1, 0"})
    void magnitudesOfQueries(float magnitude, float scale) {
        KvLayout layout = new KvLayout(1, 64, 64, KvType.F16, KvType.F16, 32);
        AttentionForm form = new AttentionForm(4, scale, 0, 0);
        verify(33, 1, rig -> {
            AttentionScene scene = AttentionScene.of(rig, layout, 90);
            scene.writeHistory(1);
            RowCount rows = rig.rows(20, 20);
            Buffer positions = rig.integers(
                    rows, 1, (round, random) -> IntStream.range(60, 80).toArray());
            Buffer slots = rig.integers(rows, 1, (round, random) -> new int[20]);
            Buffer q = rig.floats(20, 256, magnitude);
            Buffer out = rig.output(rows, 256);
            rig.add(new Attention(rows, positions, slots, scene.pageTable(), q, scene.cache(), form, null, out));
        });
    }

    /** Keys and values from one end of the range of halves to the other. */
    @ParameterizedTest
    @CsvSource({"1, 60000", "1, 1e-6", "60000, 1", "1e-6, 1"})
    void magnitudesOfKeysAndValues(float keys, float values) {
        KvLayout layout = new KvLayout(1, 64, 64, KvType.F16, KvType.F16, 32);
        verify(34, 1, rig -> {
            RowCount rows = rig.rows(40, 40);
            Buffer table = rig.integers(1, 2, (round, random) -> new int[] {1, 0});
            Buffer positions = rig.integers(
                    rows, 1, (round, random) -> IntStream.range(0, 40).toArray());
            Buffer slots = rig.integers(rows, 1, (round, random) -> new int[40]);
            KvPages cache = rig.cache(layout, 2);
            rig.add(new WriteKv(rows, positions, slots, table, evenly(rig, keys), evenly(rig, values), cache));
            Buffer q = rig.input(rows, 4 * 64);
            Buffer out = rig.output(rows, 4 * 64);
            AttentionForm form = new AttentionForm(4, 0.3f / keys, 0, 0);
            rig.add(new Attention(rows, positions, slots, table, q, cache, form, null, out));
        });
    }

    private static Buffer evenly(Rig rig, float magnitude) {
        return rig.floats(
                40,
                64,
                (round, random) -> IntStream.range(0, 40 * 64)
                        .map(i -> Float.floatToRawIntBits((random.nextFloat() * 2 - 1) * magnitude))
                        .toArray());
    }
}
