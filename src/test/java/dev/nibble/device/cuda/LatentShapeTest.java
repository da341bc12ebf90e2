package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.KvLayout;
import dev.nibble.device.KvType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** How an attention over latent vectors is cut into blocks, on devices of 132 multiprocessors. */
class LatentShapeTest {
    private static final int TURING_SHARED = 64 << 10;
    private static final int ADA_SHARED = 99 << 10;

    private static CudaTraits device(int capability, int shared) {
        return new CudaTraits(0, 0, "some card", capability, 12080, "0000:01:00", 80L << 30, 132, shared, false, false);
    }

    private static KvLayout layout(KvType type, int turned, int rank) {
        return new KvLayout(1, turned, rank, type, type, 64, true);
    }

    @ParameterizedTest
    @CsvSource({
        "90, F16, flash_latent_f16, 4, 33",
        "75, F16, latent_f16, 16, 25",
        "90, Q8_0, flash_latent_q8_0, 4, 33",
        "80, Q4_0, flash_latent_q4_0, 4, 33",
        "75, Q8_0, latent_q8_0, 16, 25",
        "90, F32, latent_f32, 16, 25",
    })
    void oneRowOfManyHeads(int capability, KvType type, String kernel, int blocks, int splits) {
        LatentShape shape = LatentShape.of(device(capability, ADA_SHARED), layout(type, 64, 512), 128, 1, 32768);
        assertEquals(kernel, shape.kernel().name(layout(type, 64, 512)));
        assertEquals(blocks, 128 / shape.kernel().heads());
        assertEquals(splits, shape.splits());
    }

    /** The largest models that there are, on cards of little shared memory. */
    @ParameterizedTest
    @EnumSource
    void sharedMemory(KvType type) {
        KvLayout largest = layout(type, 64, 512);
        for (int capability : new int[] {75, 89}) {
            long bytes = LatentShape.of(device(capability, ADA_SHARED), largest, 128, 1, 4096)
                    .sharedBytes();
            assertTrue(bytes <= (capability == 75 ? TURING_SHARED : ADA_SHARED), () -> type + " takes " + bytes);
        }
    }

    @ParameterizedTest
    @CsvSource({"64, 544", "576, 512"})
    void longerVectorsAreRefused(int turned, int rank) {
        UnsupportedFeatureException refused = assertThrows(
                UnsupportedFeatureException.class,
                () -> LatentShape.check(device(90, ADA_SHARED), layout(KvType.F16, turned, rank)));
        assertTrue(refused.getMessage().contains(rank + " numbers and " + turned), refused.getMessage());
    }
}
