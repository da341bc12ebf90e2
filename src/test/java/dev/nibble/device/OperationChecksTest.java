package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.AttentionOperation.Attention;
import dev.nibble.device.AttentionOperation.WriteKv;
import dev.nibble.device.Operation.AddNorm;
import dev.nibble.device.Operation.Advance;
import dev.nibble.device.Operation.ArgMax;
import dev.nibble.device.Operation.Combine;
import dev.nibble.device.Operation.Embed;
import dev.nibble.device.Operation.ExpertMatmul;
import dev.nibble.device.Operation.Gate;
import dev.nibble.device.Operation.Gather;
import dev.nibble.device.Operation.Matmul;
import dev.nibble.device.Operation.Norm;
import dev.nibble.device.Operation.Product;
import dev.nibble.device.Operation.Quantize;
import dev.nibble.device.Operation.Rope;
import dev.nibble.device.Operation.Route;
import dev.nibble.device.Operation.TopK;
import dev.nibble.gguf.TensorType;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Wrong shapes are named when an operation is made. */
class OperationChecksTest {
    private static final Device DEVICE = new TextbookDevice(false);
    private static final RowCount ROWS = new RowCount(ints(1, 1), 4);

    private static Buffer floats(int rows, int width) {
        return DEVICE.allocate(ElementType.F32, rows, width);
    }

    private static Buffer ints(int rows, int width) {
        return DEVICE.allocate(ElementType.I32, rows, width);
    }

    private static Buffer quantized(int rows, int width) {
        return DEVICE.allocate(ElementType.Q8, rows, width);
    }

    private static Weight weight(TensorType type, WeightUse use, int matrices, int rows, int columns) {
        return DEVICE.load(new RandomWeight(new WeightShape("w", type, matrices, rows, columns), 1), use);
    }

    private static void refused(String what, Executable making) {
        var error = assertThrows(IllegalArgumentException.class, making);
        assertTrue(error.getMessage().contains(what), error.getMessage());
    }

    @Test
    void rowCountsAreOneInteger() {
        refused("no row count", () -> new RowCount(floats(1, 1), 4));
        refused("no row count", () -> new RowCount(ints(2, 1), 4));
        refused("no row count", () -> new RowCount(ints(1, 1), 0));
    }

    @Test
    void lookups() {
        Weight table = weight(TensorType.Q8_0, WeightUse.TABLE, 1, 9, 64);
        assertDoesNotThrow(() -> new Embed(ROWS, ints(4, 1), table, floats(4, 64)));
        refused("embed", () -> new Embed(ROWS, floats(4, 1), table, floats(4, 64)));
        refused("(4, 64), not F32 (3, 64)", () -> new Embed(ROWS, ints(4, 1), table, floats(3, 64)));
        refused("(4, 64), not F32 (4, 32)", () -> new Embed(ROWS, ints(4, 1), table, floats(4, 32)));
        Weight matrix = weight(TensorType.Q8_0, WeightUse.MATRIX, 1, 9, 64);
        refused("loaded as TABLE", () -> new Embed(ROWS, ints(4, 1), matrix, floats(4, 64)));
        refused("gather", () -> new Gather(ROWS, floats(9, 8), ints(4, 1), floats(4, 7)));
        refused("gather", () -> new Gather(ROWS, ints(9, 8), ints(4, 1), floats(4, 8)));
        Buffer x = floats(4, 8);
        refused("in place", () -> new Gather(ROWS, x, ints(4, 1), x));
    }

    @Test
    void norms() {
        Buffer x = floats(4, 96);
        assertDoesNotThrow(() -> new Norm(ROWS, NormKind.RMS, 0, x, floats(1, 32), floats(1, 32), x));
        refused("in groups of 33", () -> new Norm(ROWS, NormKind.RMS, 0, x, floats(1, 33), null, x));
        refused("(1, 32)", () -> new Norm(ROWS, NormKind.RMS, 0, x, floats(1, 32), floats(1, 96), x));
        refused("(1, 32)", () -> new Norm(ROWS, NormKind.RMS, 0, x, floats(2, 32), null, x));
        refused("norm", () -> new Norm(ROWS, NormKind.RMS, 0, x, floats(1, 32), null, floats(4, 64)));
        Buffer delta = floats(4, 96);
        Buffer weight = floats(1, 96);
        refused("in place", () -> new AddNorm(ROWS, NormKind.RMS, 0, delta, x, weight, null, x));
        refused("in place", () -> new AddNorm(ROWS, NormKind.RMS, 0, x, x, weight, null, delta));
        refused("addNorm", () -> new AddNorm(ROWS, NormKind.RMS, 0, delta, x, weight, null, floats(4, 32)));
    }

    @Test
    void quantizedRowsAreWholeBlocks() {
        assertDoesNotThrow(() -> new Quantize(ROWS, floats(4, 96), quantized(4, 96)));
        refused("blocks of 32", () -> new Quantize(ROWS, floats(4, 33), DEVICE.allocate(ElementType.Q8, 4, 33)));
        refused("quantize", () -> new Quantize(ROWS, floats(4, 96), floats(4, 96)));
    }

    @Test
    void products() {
        Weight w = weight(TensorType.Q4_0, WeightUse.MATRIX, 1, 10, 64);
        Buffer x = floats(4, 64);
        Product product = new Product(w, null, floats(4, 10));
        assertDoesNotThrow(() -> new Matmul(ROWS, x, quantized(4, 64), List.of(product)));
        refused("no quantized input for", () -> new Matmul(ROWS, x, null, List.of(product)));
        refused("Q8 (4, 64), not Q8 (3, 64)", () -> new Matmul(ROWS, x, quantized(3, 64), List.of(product)));
        refused("0 weights", () -> new Matmul(ROWS, x, null, List.of()));
        refused("5 weights", () -> new Matmul(ROWS, x, null, Collections.nCopies(5, product)));
        refused("an input of 96", () -> new Matmul(ROWS, floats(4, 96), quantized(4, 96), List.of(product)));
        refused("in place", () -> new Matmul(ROWS, x, quantized(4, 64), List.of(product, product)));
        Product wrongOut = new Product(w, null, floats(4, 11));
        refused("(4, 10), not F32 (4, 11)", () -> new Matmul(ROWS, x, quantized(4, 64), List.of(wrongOut)));
        Product wrongBias = new Product(w, floats(1, 9), floats(4, 10));
        refused("(1, 10), not F32 (1, 9)", () -> new Matmul(ROWS, x, quantized(4, 64), List.of(wrongBias)));
        Product table = new Product(weight(TensorType.F16, WeightUse.TABLE, 1, 10, 64), null, floats(4, 10));
        refused("loaded as MATRIX", () -> new Matmul(ROWS, x, null, List.of(table)));
        Product experts = new Product(weight(TensorType.F16, WeightUse.MATRIX, 3, 10, 64), null, floats(4, 10));
        refused("use expertMatmul", () -> new Matmul(ROWS, x, null, List.of(experts)));
        Product square = new Product(weight(TensorType.F16, WeightUse.MATRIX, 1, 64, 64), null, x);
        refused("in place", () -> new Matmul(ROWS, x, null, List.of(square)));
    }

    @Test
    void experts() {
        Weight w = weight(TensorType.Q4_0, WeightUse.MATRIX, 3, 10, 32);
        Product product = new Product(w, null, floats(4, 20));
        Buffer ids = ints(4, 2);
        assertDoesNotThrow(() -> new ExpertMatmul(ROWS, ids, floats(4, 32), quantized(4, 32), List.of(product)));
        assertDoesNotThrow(() -> new ExpertMatmul(ROWS, ids, floats(4, 64), quantized(4, 64), List.of(product)));
        refused(
                "an input of 48 values",
                () -> new ExpertMatmul(ROWS, ids, floats(4, 96), quantized(4, 96), List.of(product)));
        refused(
                "65 values in groups of 32",
                () -> new ExpertMatmul(ROWS, ids, floats(4, 65), quantized(4, 64), List.of(product)));
        refused("no quantized", () -> new ExpertMatmul(ROWS, ids, floats(4, 64), null, List.of(product)));
        Product biased = new Product(w, floats(1, 10), floats(4, 20));
        refused("a bias", () -> new ExpertMatmul(ROWS, ids, floats(4, 32), quantized(4, 32), List.of(biased)));
        Gating gating = new Gating(Gating.Function.SOFTMAX, 2, true, 1);
        assertDoesNotThrow(() -> new Route(ROWS, gating, floats(4, 2), ids, floats(4, 2)));
        refused("2 of 1 experts", () -> new Route(ROWS, gating, floats(4, 1), ids, floats(4, 2)));
        refused("route", () -> new Route(ROWS, gating, floats(4, 8), ints(4, 3), floats(4, 2)));
        refused("combine", () -> new Combine(ROWS, floats(4, 63), floats(4, 2), floats(4, 32)));
    }

    @Test
    void heads() {
        refused("rope", () -> rope(33, 16));
        refused("in groups of 0", () -> rope(0, 16));
        refused("17 pairs of values in heads of 32", () -> rope(32, 17));
        assertDoesNotThrow(() -> rope(32, 8));
    }

    private static void rope(int headSize, int pairs) {
        new Rope(ROWS, ints(4, 1), floats(4, 64), headSize, RopeStyle.HALVES, floats(1, pairs), 1);
    }

    @Test
    void caches() {
        KvPages cache = DEVICE.allocateKv(new KvLayout(2, 32, 16, KvType.F16, KvType.F16, 32), 3);
        Buffer index = ints(4, 1);
        Buffer pageTable = ints(2, 3);
        Buffer k = floats(4, 64);
        Buffer v = floats(4, 32);
        assertDoesNotThrow(() -> new WriteKv(ROWS, index, index, pageTable, k, v, cache));
        refused("writeKv", () -> new WriteKv(ROWS, index, index, pageTable, v, k, cache));
        refused("writeKv", () -> new WriteKv(ROWS, index, index, floats(2, 3), k, v, cache));
        AttentionForm form = new AttentionForm(4, 1, 0, 0);
        Buffer q = floats(4, 128);
        Buffer out = floats(4, 64);
        Buffer sinks = floats(1, 4);
        assertDoesNotThrow(() -> new Attention(ROWS, index, index, pageTable, q, cache, form, sinks, out));
        refused("attention", () -> new Attention(ROWS, index, index, pageTable, out, cache, form, null, q));
        refused("(1, 4)", () -> new Attention(ROWS, index, index, pageTable, q, cache, form, floats(1, 2), out));
        AttentionForm uneven = new AttentionForm(3, 1, 0, 0);
        refused("evenly", () -> new Attention(ROWS, index, index, pageTable, q, cache, uneven, null, out));
        refused("no attention", () -> new AttentionForm(0, 1, 0, 0));
        refused("no attention", () -> new AttentionForm(1, 1, -1, 0));
        refused("no attention", () -> new AttentionForm(1, 1, 0, -1));
        refused("no KV layout", () -> new KvLayout(2, 0, 16, KvType.F16, KvType.F16, 32));
    }

    @Test
    void elementwise() {
        refused("gate", () -> new Gate(ROWS, Activation.SILU, floats(4, 8), floats(4, 9), floats(4, 8)));
        refused("argmax", () -> new ArgMax(ROWS, floats(4, 8), floats(4, 1)));
        refused("argmax", () -> new ArgMax(ROWS, floats(4, 8), ints(4, 2)));
        Buffer x = floats(4, 8);
        assertDoesNotThrow(() -> new TopK(ROWS, x, ints(4, 8), floats(4, 8)));
        refused("9 of 8 values; 1 to 8", () -> new TopK(ROWS, x, ints(4, 9), floats(4, 9)));
        refused("(4, 3)", () -> new TopK(ROWS, x, ints(4, 3), floats(4, 2)));
        refused("cannot work in place", () -> new TopK(ROWS, x, ints(4, 8), x));
        assertDoesNotThrow(() -> new Advance(ROWS, ints(4, 1), null, null));
        Buffer ids = ints(4, 1);
        refused("both or none", () -> new Advance(ROWS, ints(4, 1), ids, null));
        refused("cannot work in place", () -> new Advance(ROWS, ints(4, 1), ids, ids));
        refused("cannot work in place", () -> new Advance(ROWS, ids, ints(4, 1), ids));
        refused("wants a buffer of I32 (4, 1)", () -> new Advance(ROWS, ints(3, 1), null, null));
        refused("1 to 256", () -> new TopK(ROWS, floats(4, 1000), ints(4, 257), floats(4, 257)));
    }
}
