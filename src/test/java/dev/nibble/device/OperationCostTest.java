package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.gguf.TensorType;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The bytes and products of operations. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class OperationCostTest {
    private final Device device = Devices.open("reference", new DeviceOptions(1, false));
    private final RowCount rows = new RowCount(device.allocate(ElementType.I32, 1, 1), 10);

    @AfterAll
    void close() {
        device.close();
    }

    private Buffer floats(int width) {
        return device.allocate(ElementType.F32, 10, width);
    }

    private Weight weight(String name, int matrices, int outputs, int columns) {
        WeightShape shape = new WeightShape(name, TensorType.Q4_0, matrices, outputs, columns);
        return device.load(new RandomWeight(shape, 1), WeightUse.MATRIX);
    }

    @Test
    void productsReadWeightsOnce() {
        List<Operation.Product> products = List.of(
                new Operation.Product(weight("blk.3.attn_q.weight", 1, 96, 64), null, floats(96)),
                new Operation.Product(weight("blk.3.attn_k.weight", 1, 32, 64), null, floats(32)));
        Operation matmul = new Operation.Matmul(rows, floats(64), device.allocate(ElementType.Q8, 10, 64), products);
        OperationCost cost = OperationCost.of(matmul, 5, 100);
        assertEquals("matmul attn_q+attn_k 64 -> 96+32 Q4_0", cost.name());
        // Weights of 18 bytes for 32 values; 80 bytes of a quantized row; 128 results.
        assertEquals(128 * 36 + 5 * 80 + 5 * 128 * 4, cost.bytes());
        assertEquals(5 * 128 * 64, cost.multiplyAdds());
    }

    @Test
    void expertsAreReadAsOftenAsTheyAreLikelyChosen() {
        Weight experts = weight("blk.0.ffn_up_exps.weight", 4, 32, 64);
        Operation matmul = new Operation.ExpertMatmul(
                rows,
                device.allocate(ElementType.I32, 10, 2),
                floats(64),
                device.allocate(ElementType.Q8, 10, 64),
                List.of(new Operation.Product(experts, null, floats(2 * 32))));
        // Two of four experts for one token; three of four, on average, for two.
        assertEquals(
                2 * 32 * 36 + 80 + 2 * 32 * 4, OperationCost.of(matmul, 1, 0).bytes());
        assertEquals(
                3 * 32 * 36 + 160 + 4 * 32 * 4, OperationCost.of(matmul, 2, 0).bytes());
        assertEquals(2 * 2 * 32 * 64, OperationCost.of(matmul, 2, 0).multiplyAdds());
    }

    @Test
    void attentionReadsTheCacheOnceAndMultipliesByWhatEachRowSees() {
        KvLayout layout = new KvLayout(2, 32, 32, KvType.F16, KvType.F16, 8);
        Operation attention = new AttentionOperation.Attention(
                rows,
                device.allocate(ElementType.I32, 10, 1),
                device.allocate(ElementType.I32, 10, 1),
                device.allocate(ElementType.I32, 1, 4),
                floats(4 * 32),
                device.allocateKv(layout, 4),
                new AttentionForm(4, 1, 0, 0),
                null,
                floats(4 * 32));
        OperationCost cost = OperationCost.of(attention, 3, 10);
        assertEquals(13 * 2 * 64 * 2 + 3 * 2 * 128 * 4, cost.bytes());
        assertEquals((11 + 12 + 13) * 4 * 64, cost.multiplyAdds());
    }
}
