package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Operation.Gate;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Buffers, weights, caches, the queue, and what is closed. */
abstract class MemoryContract extends DeviceContract {
    private static final int TURNS = 16;
    private static final int WIDTH = 2048;

    MemoryContract(Subject subject) {
        super(subject);
    }

    static List<TensorType> types() {
        return MatmulContract.types().toList();
    }

    /** Another device of the kind under test, which a test may close. */
    abstract Device open();

    @Test
    void writesAndReadsPartsOfABuffer() {
        Queue queue = device().queue();
        try (Buffer buffer = device().allocate(ElementType.I32, 5, 7)) {
            queue.write(buffer, 0, MemorySegment.ofArray(IntStream.range(0, 35).toArray()));
            queue.write(buffer, 33, MemorySegment.ofArray(new int[] {-1, -2}));
            queue.write(buffer, 6, MemorySegment.ofArray(new int[] {-3}));
            int[] middle = new int[4];
            queue.read(buffer, 5, MemorySegment.ofArray(middle));
            assertArrayEquals(new int[] {5, -3, 7, 8}, middle);
            int[] end = new int[3];
            queue.read(buffer, 32, MemorySegment.ofArray(end));
            assertArrayEquals(new int[] {32, -1, -2}, end);
            queue.write(buffer, 35, MemorySegment.ofArray(new int[0]));
        }
    }

    @Test
    void theSourceOfAWriteMayChangeAtOnce() {
        Queue queue = device().queue();
        try (Buffer buffer = device().allocate(ElementType.F32, 1000, 100)) {
            float[] host = new float[100_000];
            Arrays.fill(host, 1.5f);
            queue.write(buffer, 0, MemorySegment.ofArray(host));
            Arrays.fill(host, 2.5f);
            float[] read = new float[host.length];
            queue.read(buffer, 0, MemorySegment.ofArray(read));
            Arrays.fill(host, 1.5f);
            assertArrayEquals(host, read);
        }
    }

    /** From and to a device of the same kind, and of another. */
    @Test
    void receivesRowsOfOtherDevices() {
        try (Device twin = open();
                Device reference = Devices.open("reference", new DeviceOptions(1, false))) {
            receivesRows(device(), twin);
            receivesRows(twin, device());
            receivesRows(device(), reference);
            receivesRows(reference, device());
        }
    }

    private static void receivesRows(Device from, Device to) {
        for (ElementType type : List.of(ElementType.F32, ElementType.I32)) {
            try (Buffer source = from.allocate(type, 9, 35);
                    Buffer target = to.allocate(type, 7, 35)) {
                from.queue().write(source, 0, MemorySegment.ofArray(integers(9 * 35, 1)));
                to.queue().write(target, 0, MemorySegment.ofArray(integers(7 * 35, 1000)));
                to.queue().receive(target, from.queue(), source, 5);
                int[] rows = new int[7 * 35];
                to.queue().read(target, 0, MemorySegment.ofArray(rows));
                int[] wanted = integers(7 * 35, 1000);
                System.arraycopy(integers(5 * 35, 1), 0, wanted, 0, 5 * 35);
                assertArrayEquals(wanted, rows, from.name() + " to " + to.name());
            }
        }
    }

    /**
     * Nothing waits between the turns, in which the same buffers are written, computed and copied again: not what comes next on
     * the device that gives, while the other is still at work on what it got before.
     */
    @Test
    void copiesKeepTheirPlaceAmongStepsAndWrites() {
        try (Device other = open()) {
            Buffer x = device().allocate(ElementType.F32, 3, WIDTH);
            Buffer y = device().allocate(ElementType.F32, 3, WIDTH);
            Step step = device().prepare(List.of(turned(device(), x, y)));
            Buffer received = other.allocate(ElementType.F32, 3, WIDTH);
            List<Operation> slow = slow(other);
            List<Buffer> kept = new ArrayList<>();
            for (int turn = 0; turn < TURNS; turn++) {
                device().queue().write(x, 0, MemorySegment.ofArray(filled(3 * WIDTH, turn)));
                device().queue().submit(step);
                other.queue().receive(received, device().queue(), y, 3);
                Buffer result = other.allocate(ElementType.F32, 3, WIDTH);
                List<Operation> late = new ArrayList<>(slow);
                late.add(turned(other, received, result));
                other.queue().submit(other.prepare(late));
                kept.add(result);
            }
            for (int turn = 0; turn < TURNS; turn++) {
                float[] found = new float[3 * WIDTH];
                other.queue().read(kept.get(turn), 0, MemorySegment.ofArray(found));
                assertArrayEquals(filled(3 * WIDTH, turn), found, "turn " + turn);
            }
        }
    }

    /** Copies three rows, the last first. */
    private static Operation turned(Device device, Buffer x, Buffer out) {
        Buffer order = device.allocate(ElementType.I32, 3, 1);
        device.queue().write(order, 0, MemorySegment.ofArray(new int[] {2, 1, 0}));
        return new Operation.Gather(live(device, 3), x, order, out);
    }

    /** Operations that take their time. */
    private static List<Operation> slow(Device device) {
        int rows = 64;
        Buffer delta = device.allocate(ElementType.F32, rows, WIDTH);
        device.queue().write(delta, 0, MemorySegment.ofArray(filled(rows * WIDTH, 1f)));
        Buffer residual = device.allocate(ElementType.F32, rows, WIDTH);
        device.queue().write(residual, 0, MemorySegment.ofArray(filled(rows * WIDTH, 1f)));
        Buffer weight = device.allocate(ElementType.F32, 1, WIDTH);
        device.queue().write(weight, 0, MemorySegment.ofArray(filled(WIDTH, 1f)));
        Buffer out = device.allocate(ElementType.F32, rows, WIDTH);
        return Collections.nCopies(
                20, new Operation.AddNorm(live(device, rows), NormKind.RMS, 1e-5f, delta, residual, weight, null, out));
    }

    private static RowCount live(Device device, int rows) {
        Buffer live = device.allocate(ElementType.I32, 1, 1);
        device.queue().write(live, 0, MemorySegment.ofArray(new int[] {rows}));
        return new RowCount(live, rows);
    }

    private static float[] filled(int count, float value) {
        float[] values = new float[count];
        Arrays.fill(values, value);
        return values;
    }

    private static int[] integers(int count, int from) {
        return IntStream.range(from, from + count).toArray();
    }

    @Test
    void refusesToReceiveWhatDoesNotFit() {
        Queue queue = device().queue();
        try (Device other = open();
                Buffer target = device().allocate(ElementType.F32, 2, 32);
                Buffer source = other.allocate(ElementType.F32, 3, 32);
                Buffer wide = other.allocate(ElementType.F32, 2, 33);
                Buffer integers = other.allocate(ElementType.I32, 2, 32);
                Buffer quantized = other.allocate(ElementType.Q8, 2, 32)) {
            for (Buffer wrong : List.of(wide, integers, quantized)) {
                assertThrows(IllegalArgumentException.class, () -> queue.receive(target, other.queue(), wrong, 1));
            }
            assertThrows(IllegalArgumentException.class, () -> queue.receive(target, other.queue(), source, 3));
            assertThrows(IllegalArgumentException.class, () -> queue.receive(target, other.queue(), source, 0));
            assertThrows(IllegalArgumentException.class, () -> queue.receive(source, other.queue(), source, 1));
            source.close();
            assertThrows(IllegalStateException.class, () -> queue.receive(target, other.queue(), source, 1));
        }
    }

    @Test
    void refusesWhatDoesNotLieInABuffer() {
        Queue queue = device().queue();
        try (Buffer buffer = device().allocate(ElementType.F32, 2, 3)) {
            MemorySegment four = MemorySegment.ofArray(new float[4]);
            for (long element : new long[] {3, -1, 6, 1L << 40}) {
                assertThrows(IllegalArgumentException.class, () -> queue.write(buffer, element, four));
                assertThrows(IllegalArgumentException.class, () -> queue.read(buffer, element, four));
            }
            MemorySegment odd = MemorySegment.ofArray(new byte[5]);
            assertThrows(IllegalArgumentException.class, () -> queue.write(buffer, 0, odd));
            assertThrows(IllegalArgumentException.class, () -> queue.read(buffer, 0, odd));
        }
    }

    @Test
    void quantizedBuffersAreTheDevicesOwn() {
        Queue queue = device().queue();
        try (Buffer buffer = device().allocate(ElementType.Q8, 2, 64)) {
            MemorySegment host = MemorySegment.ofArray(new float[16]);
            assertThrows(IllegalArgumentException.class, () -> queue.write(buffer, 0, host));
            assertThrows(IllegalArgumentException.class, () -> queue.read(buffer, 0, host));
        }
    }

    @Test
    void refusesImpossibleShapes() {
        assertThrows(IllegalArgumentException.class, () -> device().allocate(ElementType.F32, 0, 5));
        assertThrows(IllegalArgumentException.class, () -> device().allocate(ElementType.F32, 5, 0));
        assertThrows(IllegalArgumentException.class, () -> device().allocate(ElementType.I32, -1, 5));
        assertThrows(IllegalArgumentException.class, () -> device().allocate(ElementType.Q8, 1, 33));
        KvLayout layout = new KvLayout(1, 32, 32, KvType.F16, KvType.F16, 32);
        assertThrows(IllegalArgumentException.class, () -> device().allocateKv(layout, 0));
    }

    @Test
    void countsItsMemory() {
        try (Buffer floats = device().allocate(ElementType.F32, 3, 5);
                Buffer quantized = device().allocate(ElementType.Q8, 3, 64);
                KvPages cache = device().allocateKv(new KvLayout(2, 64, 32, KvType.F16, KvType.F32, 32), 3)) {
            assertTrue(floats.bytes() >= 3 * 5 * 4, "bytes " + floats.bytes());
            assertTrue(quantized.bytes() >= 3 * 64, "bytes " + quantized.bytes());
            assertTrue(cache.bytes() >= 3 * cache.layout().pageBytes(), "bytes " + cache.bytes());
            assertEquals(3, cache.pages());
            assertEquals(2 * (64 * 2 + 32 * 4), cache.layout().tokenBytes());
        }
        assertTrue(device().freeMemory() > 0);
    }

    /** What is planned is what is taken, and that is the file's size within 3 %. */
    @ParameterizedTest
    @MethodSource("types")
    void weightsTakeWhatWasPlanned(TensorType type) {
        WeightShape shape = new WeightShape("planned", type, 1, 512, 1024);
        for (WeightUse use : WeightUse.values()) {
            long planned = device().weightBytes(shape, use);
            try (Weight weight = device().load(new RandomWeight(shape, 5), use)) {
                assertEquals(planned, weight.bytes());
                assertEquals(shape, weight.shape());
                assertEquals(use, weight.use());
            }
            long most = mostBytes(shape);
            assertTrue(planned <= most, type + ": " + planned + " bytes for " + most);
        }
    }

    /** Where a weight is looked up and multiplied, it need not be in memory twice. */
    @Test
    void aWeightOfADeviceWithOneLayoutServesBothUses() {
        verify(5, 2, rig -> {
            RowCount rows = rig.rows(3, 3, 1);
            WeightShape shape = new WeightShape("tied", TensorType.Q4_0, 1, 70, 64);
            Weight table = rig.weight(new RandomWeight(shape, 9), WeightUse.TABLE);
            Weight matrix =
                    table.serves(WeightUse.MATRIX) ? table : rig.weight(new RandomWeight(shape, 9), WeightUse.MATRIX);
            rig.add(new Operation.Embed(rows, rig.indices(rows, 70), table, rig.output(rows, 64)));
            Buffer x = rig.input(rows, 64);
            Buffer quantized = rig.between(ElementType.Q8, rows, 64);
            rig.add(new Operation.Quantize(rows, x, quantized));
            Buffer out = rig.output(rows, 70);
            rig.add(new Operation.Matmul(rows, x, quantized, List.of(new Operation.Product(matrix, null, out))));
        });
    }

    @Test
    void onlyADeviceWithOneLayoutHasWeightsThatServeAllUses() {
        WeightShape shape = new WeightShape("any", TensorType.Q4_0, 1, 40, 64);
        for (WeightUse use : WeightUse.values()) {
            try (Weight weight = device().load(new RandomWeight(shape, 5), use)) {
                for (WeightUse other : WeightUse.values()) {
                    assertEquals(device().hasOneLayout() || use == other, weight.serves(other));
                }
            }
        }
    }

    /** The most that a weight may take. */
    long mostBytes(WeightShape shape) {
        return (long) (1.04 * shape.bytes());
    }

    @Test
    void closedBuffersAreRefused() {
        Buffer buffer = device().allocate(ElementType.F32, 1, 4);
        buffer.close();
        buffer.close();
        MemorySegment host = MemorySegment.ofArray(new float[4]);
        assertThrows(IllegalStateException.class, () -> device().queue().write(buffer, 0, host));
        assertThrows(IllegalStateException.class, () -> device().queue().read(buffer, 0, host));
    }

    @Test
    void aStepWithAClosedBufferIsRefused() {
        Buffer live = device().allocate(ElementType.I32, 1, 1);
        Buffer x = device().allocate(ElementType.F32, 1, 4);
        Step step = device().prepare(List.of(new Gate(new RowCount(live, 1), Activation.SILU, x, x, x)));
        device().queue().write(live, 0, MemorySegment.ofArray(new int[] {1}));
        x.close();
        assertThrows(IllegalStateException.class, () -> device().queue().submit(step));
        live.close();
    }

    @Test
    void weightsAndCachesCloseTwice() {
        WeightShape shape = new WeightShape("closed", TensorType.Q8_0, 1, 32, 32);
        Weight weight = device().load(new RandomWeight(shape, 5), WeightUse.MATRIX);
        weight.close();
        weight.close();
        KvPages cache = device().allocateKv(new KvLayout(1, 32, 32, KvType.F16, KvType.F16, 32), 1);
        cache.close();
        cache.close();
    }

    @Test
    void aClosedDeviceRefusesEverything() {
        Device device = open();
        Buffer buffer = device.allocate(ElementType.F32, 1, 4);
        Buffer live = device.allocate(ElementType.I32, 1, 1);
        Step step = device.prepare(List.of(new Gate(new RowCount(live, 1), Activation.SILU, buffer, buffer, buffer)));
        Queue queue = device.queue();
        device.close();
        device.close();
        MemorySegment host = MemorySegment.ofArray(new float[4]);
        assertThrows(IllegalStateException.class, () -> device.allocate(ElementType.F32, 1, 4));
        assertThrows(IllegalStateException.class, () -> queue.write(buffer, 0, host));
        assertThrows(IllegalStateException.class, () -> queue.read(buffer, 0, host));
        assertThrows(IllegalStateException.class, () -> queue.submit(step));
        assertThrows(IllegalStateException.class, () -> device.prepare(List.of()));
        buffer.close();
        live.close();
    }

    /** A step that another thread has begun ends, or is refused as a whole; nothing crashes. */
    @Test
    void closesWhileAStepRuns() throws Exception {
        for (int attempt = 0; attempt < 4; attempt++) {
            Device device = open();
            Buffer live = device.allocate(ElementType.I32, 1, 1);
            device.queue().write(live, 0, MemorySegment.ofArray(new int[] {20}));
            RowCount rows = new RowCount(live, 20);
            Buffer x = device.allocate(ElementType.F32, 20, 128);
            device.queue().write(x, 0, MemorySegment.ofArray(new float[20 * 128]));
            Step step = device.prepare(Collections.nCopies(3, new Gate(rows, Activation.SILU, x, x, x)));
            CountDownLatch begun = new CountDownLatch(1);
            FutureTask<Void> running = new FutureTask<>(() -> submitForever(device.queue(), step, begun));
            Thread thread = Thread.ofPlatform().start(running);
            begun.await();
            Thread.sleep(attempt);
            device.close();
            thread.join();
            var error = assertThrows(ExecutionException.class, running::get);
            assertInstanceOf(IllegalStateException.class, error.getCause());
        }
    }

    private static Void submitForever(Queue queue, Step step, CountDownLatch begun) {
        for (; ; ) {
            queue.submit(step);
            begun.countDown();
        }
    }

    @Test
    void anotherDevicesPartsAreRefused() {
        try (Device other = open();
                Buffer live = other.allocate(ElementType.I32, 1, 1);
                Buffer x = other.allocate(ElementType.F32, 1, 4)) {
            Operation gate = new Gate(new RowCount(live, 1), Activation.SILU, x, x, x);
            assertThrows(IllegalArgumentException.class, () -> device().prepare(List.of(gate)));
            Step step = other.prepare(List.of(gate));
            assertThrows(IllegalArgumentException.class, () -> device().queue().submit(step));
            MemorySegment host = MemorySegment.ofArray(new float[4]);
            assertThrows(IllegalArgumentException.class, () -> device().queue().write(x, 0, host));
        }
    }
}
