package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** WriteKv and LatentAttention. */
abstract class LatentAttentionContract extends DeviceContract {
    LatentAttentionContract(Subject subject) {
        super(subject);
    }

    private static KvLayout layout(KvType type, int turned, int rank, int pageTokens) {
        return new KvLayout(1, turned, rank, type, type, pageTokens, true);
    }

    private static AttentionForm form(int heads, int keySize) {
        return new AttentionForm(heads, (float) (1.3 / Math.sqrt(keySize)), 0, 0);
    }

    /** The sizes of the models that there are, and a smaller one: one row, a few, and many. */
    @ParameterizedTest
    @EnumSource
    void allCacheTypes(KvType type) {
        for (int rows : new int[] {1, 3, 41}) {
            int[][] queries = IntStream.range(0, rows)
                    .mapToObj(i -> new int[] {i == 0 ? 99 : i * 7 % 100, i % 2})
                    .toArray(int[][]::new);
            verify(
                    rows,
                    1,
                    rig -> AttentionScene.of(rig, layout(type, 64, 512, 32), 100, 100)
                            .attend(form(16, 192), false, queries));
        }
        verify(
                5,
                2,
                rig -> AttentionScene.of(rig, layout(type, 32, 96, 32), 75, 1, 40)
                        .attend(
                                form(3, 80),
                                false,
                                new int[][] {{74, 0}, {0, 1}, {39, 2}, {31, 0}, {32, 0}, {63, 0}, {64, 0}},
                                7,
                                2));
    }

    /** What comes out is quantized in blocks. */
    @Test
    void attentionThatIsQuantized() {
        for (int rank : new int[] {96, 512}) {
            verify(
                    rank,
                    1,
                    1e-4,
                    rig -> AttentionScene.of(rig, layout(KvType.F16, 64, rank, 32), 100)
                            .attendAndMultiply(rig.rows(1, 1), form(16, 192), new int[][] {{99, 0}}));
        }
    }

    /** As many heads as the largest models have, and numbers that nothing divides. */
    @ParameterizedTest
    @CsvSource({"F16, 128, 64, 512", "Q8_0, 128, 64, 512", "F16, 7, 10, 40", "F32, 1, 6, 16", "Q4_0, 67, 32, 64"})
    void numbersOfHeads(KvType type, int heads, int turned, int rank) {
        verify(
                heads,
                1,
                rig -> AttentionScene.of(rig, layout(type, turned, rank, 32), 70, 33)
                        .attend(form(heads, 64), false, new int[][] {{69, 0}, {32, 1}, {40, 0}}));
    }

    /** Several ranges of tokens, some of the rows far apart. */
    @ParameterizedTest
    @EnumSource(names = {"F16", "Q8_0"})
    void longSequences(KvType type) {
        verify(
                21,
                1,
                rig -> AttentionScene.of(rig, layout(type, 32, 64, 32), 2100, 700)
                        .attend(form(4, 64), false, new int[][] {{2099, 0}, {699, 1}, {1023, 0}, {512, 0}}));
    }

    /** Pages that are no whole groups of a device's. */
    @ParameterizedTest
    @CsvSource({"F16, 16", "F32, 48", "F16, 96"})
    void otherPages(KvType type, int pageTokens) {
        verify(
                pageTokens,
                1,
                rig -> AttentionScene.of(rig, layout(type, 16, 48, pageTokens), 130, 5)
                        .attend(form(6, 48), false, new int[][] {{129, 0}, {4, 1}, {63, 0}, {0, 0}}));
    }

    @Test
    void latentVectorsHaveOneType() {
        UnsupportedFeatureException refused = assertThrows(
                UnsupportedFeatureException.class, () -> new KvLayout(1, 64, 512, KvType.Q8_0, KvType.F16, 32, true));
        assertTrue(refused.getMessage().contains("--kv"), refused.getMessage());
    }
}
