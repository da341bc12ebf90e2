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

/** How an attention is cut into blocks, on devices of 132 multiprocessors. */
class AttentionShapeTest {
    private static final CudaTraits DEVICE = device(90);

    /** Without the tensor cores that attention takes. */
    private static final CudaTraits OLDER = device(75);

    private static CudaTraits device(int capability) {
        return new CudaTraits(
                0, 0, "some card", capability, 12080, "0000:01:00", 80L << 30, 132, 227 << 10, false, false);
    }

    private static AttentionShape shape(CudaTraits device, int sharing, int limit, long tokens) {
        return AttentionShape.of(device, layout(128, 128), sharing, limit, tokens);
    }

    private static KvLayout layout(int keySize, int valueSize) {
        return new KvLayout(8, keySize, valueSize, KvType.F16, KvType.Q8_0, 64);
    }

    /** All query heads of a key head have a place, in groups as full as they can be. */
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "2, 2, 4", "3, 3, 4", "4, 4, 4", "5, 3, 4", "7, 4, 4", "8, 4, 4", "12, 4, 4"})
    void queryHeadsOfOneRow(int sharing, int heads, int queries) {
        AttentionShape shape = shape(OLDER, sharing, 1, 4096);
        assertEquals(heads, shape.heads());
        assertEquals("attention_f16_q8_0_128_" + queries, shape.kernel());
        assertEquals(1, shape.rows());
        assertEquals(1, shape.groups(), "all warps share the tokens of one row");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8})
    void manyRows(int sharing) {
        AttentionShape shape = shape(OLDER, sharing, 512, 4096);
        assertTrue(shape.rows() >= 1 && shape.rows() * shape.heads() <= 4);
        assertEquals(4, shape.groups());
    }

    /** A tensor core takes 16 queries of a key head, a block that of eight warps. */
    @ParameterizedTest
    @CsvSource({"1, 128, 1", "4, 32, 4", "7, 18, 7", "8, 16, 8", "128, 1, 128", "200, 1, 100"})
    void manyRowsOnTensorCores(int sharing, int rows, int heads) {
        AttentionShape shape = shape(DEVICE, sharing, 512, 4096);
        assertEquals("flash_f16_q8_0_128", shape.module());
        assertEquals("flash_rows_f16_q8_0_128", shape.kernel());
        assertEquals(rows, shape.rows());
        assertEquals(heads, shape.heads());
        assertEquals(256, shape.threads());
    }

    @ParameterizedTest
    @CsvSource({
        "1, attention, 1",
        "3, attention, 3",
        "4, flash_tokens, 4",
        "16, flash_tokens, 16",
        "18, flash_tokens, 9"
    })
    void oneRowOnTensorCoresWhereHeadsShareKeys(int sharing, String kernel, int heads) {
        AttentionShape shape = shape(DEVICE, sharing, 1, 32768);
        assertTrue(shape.kernel().startsWith(kernel + "_"), shape.kernel());
        assertEquals(heads, shape.heads());
        assertEquals(1, shape.rows());
    }

    /** What no tensor core takes. */
    @Test
    void floatsAndOddSizesTakeTheOtherKernels() {
        KvLayout floats = new KvLayout(8, 128, 128, KvType.F32, KvType.F16, 64);
        KvLayout odd = new KvLayout(8, 36, 36, KvType.F16, KvType.F16, 64);
        assertEquals(
                "attention_f32_f16",
                AttentionShape.of(DEVICE, floats, 4, 512, 4096).module());
        assertEquals(
                "attention_f16_f16",
                AttentionShape.of(DEVICE, odd, 4, 512, 4096).module());
    }

    /** Blocks have no more shared memory than cards of every kind give them. */
    @ParameterizedTest
    @CsvSource({"64, 64", "96, 96", "128, 128", "192, 128", "256, 256"})
    void sharedMemory(int keySize, int valueSize) {
        for (KvType keys : KvType.values()) {
            for (KvType values : KvType.values()) {
                for (int limit : new int[] {1, 512}) {
                    KvLayout layout = new KvLayout(8, keySize, valueSize, keys, values, 64);
                    AttentionShape shape = AttentionShape.of(DEVICE, layout, 4, limit, 4096);
                    assertTrue(shape.sharedBytes() <= 98 << 10, () -> shape + " takes " + shape.sharedBytes());
                }
            }
        }
    }

    /** Of the types that are seldom found together, there are two sizes, and smaller heads are filled up. */
    @Test
    void differentTypes() {
        assertEquals(
                "flash_tokens_f16_q8_0_128",
                AttentionShape.of(DEVICE, layout(64, 32), 4, 1, 256).kernel());
        assertEquals(
                "flash_tokens_f16_q8_0_256",
                AttentionShape.of(DEVICE, layout(192, 128), 4, 1, 256).kernel());
    }

    /** One row of a long sequence keeps the device busy; a short one is not cut into parts of nothing. */
    @Test
    void splitsOfTheTokens() {
        assertEquals(64, shape(OLDER, 4, 1, 32768).splits());
        assertEquals(2, shape(OLDER, 4, 1, 256).splits());
        assertEquals(1, shape(OLDER, 4, 1, 64).splits());
        assertEquals(33, shape(DEVICE, 4, 1, 32768).splits());
        assertEquals(1, shape(DEVICE, 4, 4096, 4096).splits());
    }

    @ParameterizedTest
    @CsvSource({"32, 64, 64, 64", "80, 64, 96, 128", "64, 128, 128, 128", "192, 128, 192, 256", "192, 192, 256, 256"})
    void theKernelHoldsKeysAndValues(int keySize, int valueSize, int size, int older) {
        KvLayout layout = new KvLayout(8, keySize, valueSize, KvType.F16, KvType.F16, 64);
        assertEquals(
                "flash_tokens_f16_f16_" + size,
                AttentionShape.of(DEVICE, layout, 4, 1, 256).kernel());
        assertEquals(
                "attention_f16_f16_" + older + "_4",
                AttentionShape.of(OLDER, layout, 4, 1, 256).kernel());
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
