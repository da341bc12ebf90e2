package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How an attention is cut into blocks, on a device of 132 multiprocessors. */
class AttentionShapeTest {
    private static final CudaTraits DEVICE =
            new CudaTraits(0, 0, "some card", 90, 12080, "0000:01:00", 80L << 30, 132, 227 << 10, false, false);

    private static AttentionShape shape(KvLayout layout, int sharing, int limit, long tokens) {
        return AttentionShape.of(DEVICE, layout, sharing, limit, tokens);
    }

    private static KvLayout layout(int keySize, int valueSize) {
        return new KvLayout(8, keySize, valueSize, KvType.F16, KvType.Q8_0, 64);
    }

    /** All query heads of a key head have a place, in groups as full as they can be. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "2, 2, 4", "3, 3, 4", "4, 4, 4", "5, 3, 4", "7, 4, 4", "8, 4, 4", "12, 4, 4"})
    void queryHeadsOfOneRow(int sharing, int heads, int queries) {
        AttentionShape shape = shape(layout(128, 128), sharing, 1, 4096);
        assertEquals(heads, shape.heads());
        assertEquals(queries, shape.queries());
        assertEquals(1, shape.rows());
        assertEquals(1, shape.groups(), "all warps share the tokens of one row");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8})
    void manyRows(int sharing) {
        AttentionShape shape = shape(layout(128, 128), sharing, 512, 4096);
        assertTrue(shape.rows() >= 1 && shape.rows() * shape.heads() <= shape.queries());
        assertEquals(4, shape.groups());
    }

    /** One row of a long sequence keeps the device busy; a short one is not cut into parts of nothing. */
    @Test
    void splitsOfTheTokens() {
        assertEquals(64, shape(layout(128, 128), 4, 1, 32768).splits());
        assertEquals(2, shape(layout(128, 128), 4, 1, 256).splits());
        assertEquals(1, shape(layout(128, 128), 4, 1, 64).splits());
    }

    @ParameterizedTest
    @CsvSource({"32, 64, 64", "80, 64, 128", "64, 128, 128", "192, 128, 256", "256, 256, 256"})
    void theKernelHoldsKeysAndValues(int keySize, int valueSize, int size) {
        AttentionShape shape = shape(layout(keySize, valueSize), 4, 1, 256);
        assertEquals("attention_f16_q8_0_" + size + "_4", shape.kernel(layout(keySize, valueSize)));
    }

    @Test
    void largerHeadsAreRefused() {
        UnsupportedFeatureException refused =
                assertThrows(UnsupportedFeatureException.class, () -> AttentionShape.size(DEVICE, layout(576, 512)));
        assertTrue(refused.getMessage().contains("cuda:0"), refused.getMessage());
        assertTrue(refused.getMessage().contains("576"), refused.getMessage());
        assertTrue(refused.getMessage().contains("at most 256"), refused.getMessage());
    }
}
