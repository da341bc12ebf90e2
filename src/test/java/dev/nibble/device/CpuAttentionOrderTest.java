package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.nibble.device.AttentionOperation.Attention;
import dev.nibble.device.AttentionOperation.WriteKv;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The attention of a row is the same to the last bit however many threads there are and whatever stands beside the row: so a
 * text does not depend on what else is generated.
 */
class CpuAttentionOrderTest {
    private static final int TOKENS = 2600;
    private static final int PAGE = 32;
    private static final int HEADS = 6;

    @ParameterizedTest
    @CsvSource({"F16, F16, 0", "F16, F16, 1500", "Q8_0, Q8_0, 0", "Q4_0, Q4_0, 1500", "Q8_0, Q4_0, 0", "F32, Q8_0, 0"})
    void theSameBitsForAllThreadsAndBatches(KvType keyType, KvType valueType, int window) {
        KvLayout layout = new KvLayout(3, 32, 64, keyType, valueType, PAGE);
        float[] alone = attend(layout, 1, window, TOKENS - 1);
        for (int threads : new int[] {2, 5}) {
            assertArrayEquals(alone, attend(layout, threads, window, TOKENS - 1), threads + " threads");
        }
        int[] batch = IntStream.range(TOKENS - 23, TOKENS).toArray();
        for (int threads : new int[] {1, 3}) {
            float[] together = attend(layout, threads, window, batch);
            int width = alone.length;
            assertArrayEquals(
                    alone,
                    Arrays.copyOfRange(together, together.length - width, together.length),
                    threads + " threads");
        }
    }

    /** Attends from these positions over {@link #TOKENS} random tokens. */
    private static float[] attend(KvLayout layout, int threads, int window, int... positions) {
        Random random = new Random(1);
        try (Device device = Devices.open("cpu", new DeviceOptions(threads, false))) {
            KvPages cache = device.allocateKv(layout, TOKENS / PAGE + 1);
            Buffer table = ints(device, 1, IntStream.range(0, TOKENS / PAGE + 1).toArray());
            RowCount all = new RowCount(ints(device, 1, TOKENS), TOKENS);
            Buffer k = floats(device, random, TOKENS, 3 * 32);
            Buffer v = floats(device, random, TOKENS, 3 * 64);
            Buffer places = ints(device, TOKENS, IntStream.range(0, TOKENS).toArray());
            Buffer slots = ints(device, TOKENS, new int[TOKENS]);
            RowCount rows = new RowCount(ints(device, 1, positions.length), positions.length);
            // The last row has the same query in every batch.
            Buffer q = floats(device, new Random(2), 1, HEADS * 32, positions.length);
            Buffer out = device.allocate(ElementType.F32, positions.length, HEADS * 64);
            Step step = device.prepare(List.of(
                    new WriteKv(all, places, slots, table, k, v, cache),
                    new Attention(
                            rows,
                            ints(device, positions.length, positions),
                            slots,
                            table,
                            q,
                            cache,
                            new AttentionForm(HEADS, 0.3f, window, 0),
                            null,
                            out)));
            device.queue().submit(step);
            float[] result = new float[positions.length * HEADS * 64];
            device.queue().read(out, 0, MemorySegment.ofArray(result));
            return result;
        }
    }

    private static Buffer ints(Device device, int rows, int... values) {
        Buffer buffer = device.allocate(ElementType.I32, rows, values.length / rows);
        device.queue().write(buffer, 0, MemorySegment.ofArray(values));
        return buffer;
    }

    private static Buffer floats(Device device, Random random, int rows, int width) {
        return floats(device, random, rows, width, 1);
    }

    /** The same random rows {@code repeat} times. */
    private static Buffer floats(Device device, Random random, int rows, int width, int repeat) {
        float[] values = new float[rows * width];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        Buffer buffer = device.allocate(ElementType.F32, rows * repeat, width);
        for (int i = 0; i < repeat; i++) {
            device.queue().write(buffer, (long) i * values.length, MemorySegment.ofArray(values));
        }
        return buffer;
    }
}
