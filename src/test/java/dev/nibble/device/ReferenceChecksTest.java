package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.OutOfCapacityException;
import dev.nibble.device.AttentionOperation.Attention;
import dev.nibble.device.AttentionOperation.WriteKv;
import dev.nibble.device.Operation.ArgMax;
import dev.nibble.device.Operation.Embed;
import dev.nibble.device.Operation.ExpertMatmul;
import dev.nibble.device.Operation.Gate;
import dev.nibble.device.Operation.Gather;
import dev.nibble.device.Operation.Matmul;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Rope;
import dev.nibble.device.Operation.Route;
import dev.nibble.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The reference device catches wrong use by an engine: what a step reads from buffers is checked when it runs. */
class ReferenceChecksTest {
    private final Device device = Devices.open("reference", new DeviceOptions(1, false));
    private final Buffer live = device.allocate(ElementType.I32, 1, 1);
    private final RowCount rows = new RowCount(live, 3);

    @AfterEach
    void close() {
        device.close();
    }

    private Buffer ints(int width, int... values) {
        Buffer buffer = device.allocate(ElementType.I32, values.length / width, width);
        device.queue().write(buffer, 0, MemorySegment.ofArray(values));
        return buffer;
    }

    private Buffer floats(int width, float... values) {
        Buffer buffer = device.allocate(ElementType.F32, values.length / width, width);
        device.queue().write(buffer, 0, MemorySegment.ofArray(values));
        return buffer;
    }

    private Buffer zeros(int rows, int width) {
        return floats(width, new float[rows * width]);
    }

    private Weight weight(WeightUse use, int matrices, int rows, int columns) {
        WeightShape shape = new WeightShape("w", TensorType.F32, matrices, rows, columns);
        return device.load(new RandomWeight(shape, 1), use);
    }

    private void run(int n, Operation operation) {
        device.queue().write(live, 0, MemorySegment.ofArray(new int[] {n}));
        device.queue().submit(device.prepare(List.of(operation)));
    }

    private void refused(String what, int n, Operation operation) {
        var error = assertThrows(DeviceException.class, () -> run(n, operation));
        assertTrue(error.getMessage().contains(what), error.getMessage());
    }

    @Test
    void liveRows() {
        Buffer x = zeros(3, 4);
        Operation gate = new Gate(rows, Activation.SILU, x, x, x);
        refused("gate: 4 live rows; the step was made for 0 to 3", 4, gate);
        refused("-1 live rows", -1, gate);
        run(0, gate);
        run(3, gate);
    }

    @Test
    void tokenIdsAndRowIndices() {
        Weight table = weight(WeightUse.TABLE, 1, 9, 8);
        refused(
                "embed, row 1 of 3: token id 9 is not within 0 … 8",
                3,
                new Embed(rows, ints(1, 0, 9, -1), table, zeros(3, 8)));
        refused("embed, row 2 of 3: token id -1", 3, new Embed(rows, ints(1, 0, 8, -1), table, zeros(3, 8)));
        run(2, new Embed(rows, ints(1, 0, 8, -1), table, zeros(3, 8)));
        refused("source row 5", 1, new Gather(rows, zeros(5, 8), ints(1, 5, 0, 0), zeros(3, 8)));
    }

    @Test
    void positionsSlotsAndPages() {
        KvPages cache = device.allocateKv(new KvLayout(1, 8, 8, KvType.F32, KvType.F32, 32), 3);
        Buffer pageTable = ints(2, 0, 2, 1, 3);
        Buffer kv = zeros(3, 8);
        Buffer zero = ints(1, 0, 0, 0);
        refused(
                "position 64 is not within 0 … 63",
                1,
                new WriteKv(rows, ints(1, 64, 0, 0), zero, pageTable, kv, kv, cache));
        refused("position -1", 1, new WriteKv(rows, ints(1, -1, 0, 0), zero, pageTable, kv, kv, cache));
        refused("slot 2 is not within 0 … 1", 1, new WriteKv(rows, zero, ints(1, 2, 0, 0), pageTable, kv, kv, cache));
        refused(
                "position 40 of slot 1: page 3 is not within 0 … 2",
                1,
                new WriteKv(rows, ints(1, 40, 0, 0), ints(1, 1, 0, 0), pageTable, kv, kv, cache));
        refused(
                "row 2 of 3: writes token 5 of page 0, as row 0 does",
                3,
                new WriteKv(rows, ints(1, 5, 6, 5), zero, pageTable, kv, kv, cache));
        AttentionForm form = new AttentionForm(1, 1, 0, 0);
        refused(
                "page 3",
                1,
                new Attention(
                        rows, ints(1, 40, 0, 0), ints(1, 1, 0, 0), pageTable, kv, cache, form, null, zeros(3, 8)));
        refused("position -1", 1, new Rope(rows, ints(1, -1, 0, 0), kv, 8, RopeStyle.HALVES, zeros(1, 4), 1));
    }

    @Test
    void buffersBeyondTheHeapAreRefused() {
        var error =
                assertThrows(OutOfCapacityException.class, () -> device.allocate(ElementType.F32, 1 << 20, 1 << 12));
        assertTrue(error.getMessage().contains("4294967296 elements"), error.getMessage());
        long heap = Runtime.getRuntime().maxMemory();
        if (heap < 4L * Integer.MAX_VALUE) {
            error = assertThrows(
                    OutOfCapacityException.class, () -> device.allocate(ElementType.F32, 1, Integer.MAX_VALUE - 8));
            assertTrue(error.getMessage().contains("-Xmx"), error.getMessage());
        }
    }

    /** A token that was never written is NaN, and so is what attends to it. */
    @Test
    void attentionToTokensNeverWritten() {
        for (KvType type : KvType.values()) {
            KvPages cache = device.allocateKv(new KvLayout(1, 32, 32, type, type, 32), 1);
            Buffer zero = ints(1, 0, 0, 0);
            Buffer pageTable = ints(1, 0);
            Buffer kv = zeros(3, 32);
            run(1, new WriteKv(rows, zero, zero, pageTable, kv, kv, cache));
            Buffer out = zeros(3, 32);
            AttentionForm form = new AttentionForm(1, 1, 0, 0);
            run(2, new Attention(rows, ints(1, 0, 1, 0), zero, pageTable, kv, cache, form, null, out));
            float[] values = new float[96];
            device.queue().read(out, 0, MemorySegment.ofArray(values));
            assertEquals(0, values[0]);
            assertTrue(Float.isNaN(values[32]));
        }
    }

    @Test
    void experts() {
        Product product = new Product(weight(WeightUse.MATRIX, 4, 5, 8), null, zeros(3, 10));
        refused(
                "row 1 of 3: expert 4 is not within 0 … 3",
                3,
                new ExpertMatmul(rows, ints(2, 0, 1, 4, 1, 2, 3), zeros(3, 8), null, List.of(product)));
    }

    @Test
    void valuesThatAreNoNumbers() {
        Buffer ids = ints(1, 0, 0, 0);
        Buffer x = floats(2, 0, 1, 5, Float.NaN, 0, 0);
        refused("argMax, row 1 of 2: value 1 of 2 is NaN", 2, new ArgMax(rows, x, ids));
        run(1, new ArgMax(rows, x, ids));
        Gating gating = new Gating(Gating.Function.SOFTMAX, 1, false, 1);
        refused("logit of expert 1 is NaN", 2, new Route(rows, gating, x, ids, zeros(3, 1)));
    }

    @Test
    void freshMemoryIsNoNumber() {
        Buffer fresh = device.allocate(ElementType.F32, 3, 8);
        refused("value 0 of 8 is NaN", 1, new ArgMax(rows, fresh, ints(1, 0, 0, 0)));
        Buffer noIds = device.allocate(ElementType.I32, 3, 1);
        refused("token id -2147483648", 1, new Embed(rows, noIds, weight(WeightUse.TABLE, 1, 9, 8), zeros(3, 8)));
    }

    @Test
    void aClosedWeightNamesItself() {
        Weight weight = weight(WeightUse.MATRIX, 1, 5, 8);
        Operation product = new Matmul(rows, zeros(3, 8), null, List.of(new Product(weight, null, zeros(3, 5))));
        run(1, product);
        weight.close();
        var error = assertThrows(IllegalStateException.class, () -> run(1, product));
        assertEquals("weight w is closed", error.getMessage());
    }

    @Test
    void aClosedCacheIsRefused() {
        KvPages cache = device.allocateKv(new KvLayout(1, 8, 8, KvType.F32, KvType.F32, 32), 1);
        Buffer zero = ints(1, 0, 0, 0);
        Operation write = new WriteKv(rows, zero, zero, ints(1, 0), zeros(3, 8), zeros(3, 8), cache);
        run(1, write);
        cache.close();
        assertThrows(IllegalStateException.class, () -> run(1, write));
    }
}
