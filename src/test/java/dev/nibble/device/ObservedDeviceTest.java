package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A watched device computes what it would compute unwatched, and tells of each product what went in. */
class ObservedDeviceTest {
    private static final int LIMIT = 5;
    private static final int LIVE = 3;
    private static final int COLUMNS = 64;
    private static final int EXPERTS = 4;
    private static final int USED = 2;
    private static final int INNER = 32;

    private final Random random = new Random(11);
    private final float[] x = floats(LIMIT * COLUMNS);
    private final int[] ids = {3, 0, 1, 3, 2, 1, 0, 0, 0, 0};

    private float[] floats(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** What a run of the step leaves: the dense product, the gated experts, and their products. */
    private List<float[]> run(Device device) {
        Queue queue = device.queue();
        Buffer live = device.allocate(ElementType.I32, 1, 1);
        queue.write(live, 0, MemorySegment.ofArray(new int[] {LIVE}));
        RowCount rows = new RowCount(live, LIMIT);
        Buffer input = device.allocate(ElementType.F32, LIMIT, COLUMNS);
        queue.write(input, 0, MemorySegment.ofArray(x));
        Buffer quantized = device.allocate(ElementType.Q8, LIMIT, COLUMNS);
        Buffer chosen = device.allocate(ElementType.I32, LIMIT, USED);
        queue.write(chosen, 0, MemorySegment.ofArray(ids));
        Buffer dense = device.allocate(ElementType.F32, LIMIT, 7);
        Buffer inner = device.allocate(ElementType.F32, LIMIT, USED * INNER);
        Buffer outer = device.allocate(ElementType.F32, LIMIT, USED * 9);
        Weight matrix = weight(device, "dense", TensorType.Q8_0, 1, 7, COLUMNS);
        Weight up = weight(device, "up", TensorType.Q8_0, EXPERTS, INNER, COLUMNS);
        Weight down = weight(device, "down", TensorType.F32, EXPERTS, 9, INNER);
        queue.submit(device.prepare(List.of(
                new Operation.Quantize(rows, input, quantized),
                new Operation.Matmul(rows, input, quantized, List.of(new Operation.Product(matrix, null, dense))),
                new Operation.ExpertMatmul(
                        rows, chosen, input, quantized, List.of(new Operation.Product(up, null, inner))),
                new Operation.Gate(rows, Activation.SILU, inner, inner, inner),
                new Operation.ExpertMatmul(
                        rows, chosen, inner, null, List.of(new Operation.Product(down, null, outer))),
                new Operation.Gate(rows, Activation.SILU, outer, outer, outer))));
        return List.of(read(queue, dense), read(queue, inner), read(queue, outer));
    }

    private static Weight weight(Device device, String name, TensorType type, int matrices, int rows, int columns) {
        WeightShape shape = new WeightShape(name, type, matrices, rows, columns);
        return device.load(new RandomWeight(shape, 5), WeightUse.MATRIX);
    }

    private static float[] read(Queue queue, Buffer buffer) {
        float[] values = new float[LIVE * buffer.width()];
        queue.read(buffer, 0, MemorySegment.ofArray(values));
        return values;
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void tellsWhatGoesIn(String name) {
        List<ProductInput> heard = new ArrayList<>();
        List<float[]> results;
        try (Device device = new ObservedDevice(Devices.open(name, new DeviceOptions(2, false)), heard::add)) {
            results = run(device);
        }
        assertEquals(3, heard.size());
        check(heard.get(0), "dense", COLUMNS, new int[LIVE], 1, Arrays.copyOf(x, LIVE * COLUMNS));
        int[] liveIds = Arrays.copyOf(ids, LIVE * USED);
        check(heard.get(1), "up", COLUMNS, liveIds, USED, Arrays.copyOf(x, LIVE * COLUMNS));
        assertEquals(2 * COLUMNS, heard.get(1).offset(5));
        check(heard.get(2), "down", INNER, liveIds, 1, results.get(1));
        assertEquals(5 * INNER, heard.get(2).offset(5));
    }

    private static void check(
            ProductInput input, String weight, int columns, int[] matrices, int products, float[] values) {
        assertEquals(
                List.of(weight), input.weights().stream().map(WeightShape::name).toList());
        assertEquals(columns, input.columns());
        assertArrayEquals(matrices, input.matrices());
        assertEquals(products, input.products());
        assertArrayEquals(values, input.values());
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void computesTheSame(String name) {
        List<float[]> wanted;
        List<float[]> found;
        try (Device device = Devices.open(name, new DeviceOptions(2, false))) {
            wanted = run(device);
        }
        try (Device device = new ObservedDevice(Devices.open(name, new DeviceOptions(2, false)), input -> {})) {
            found = run(device);
        }
        for (int i = 0; i < wanted.size(); i++) {
            assertArrayEquals(wanted.get(i), found.get(i));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void refusesStepsOfOthers(String name) {
        try (Device device = Devices.open(name, new DeviceOptions(2, false));
                Device observed = new ObservedDevice(Devices.open(name, new DeviceOptions(2, false)), input -> {})) {
            Step step = device.prepare(List.of());
            assertThrows(IllegalArgumentException.class, () -> observed.queue().submit(step));
        }
    }
}
