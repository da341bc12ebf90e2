package dev.nibble.device;

import static dev.nibble.device.AttentionContract.form;
import static dev.nibble.device.AttentionContract.layout;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.AttentionOperation.Attention;
import dev.nibble.device.AttentionOperation.WriteKv;
import java.util.Arrays;
import java.util.function.IntToDoubleFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** WriteKv and Attention with quantized keys and values, and each of their types beside each other. */
abstract class QuantizedAttentionContract extends DeviceContract {
    QuantizedAttentionContract(Subject subject) {
        super(subject);
    }

    static Stream<Arguments> pairs() {
        return Arrays.stream(KvType.values())
                .flatMap(keys -> Arrays.stream(KvType.values()).map(values -> Arguments.of(keys, values)));
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void everyPairOfCacheTypes(KvType keyType, KvType valueType) {
        KvLayout layout = new KvLayout(2, 64, 64, keyType, valueType, 32);
        verify(
                1,
                1,
                rig -> AttentionScene.of(rig, layout, 75, 1, 40).attend(form(4, 64), false, new int[][] {
                    {74, 0}, {0, 1}, {39, 2}, {31, 0}, {32, 0}, {63, 0}, {64, 0}
                }));
    }

    /** Head sizes, shared heads, windows and sinks together, for one row and for many. */
    @ParameterizedTest
    @CsvSource({
        "Q8_0, 64, 4, 0", "Q8_0, 96, 1, 33", "Q8_0, 128, 7, 64", "Q8_0, 256, 2, 100",
        "Q4_0, 64, 4, 0", "Q4_0, 96, 1, 33", "Q4_0, 128, 7, 64", "Q4_0, 256, 2, 100",
    })
    void quantizedHeads(KvType type, int size, int sharing, int window) {
        AttentionForm form = new AttentionForm(2 * sharing, 0.1f, window, sharing == 2 ? 5 : 0);
        for (int rows : new int[] {1, 3, 41}) {
            int[][] queries = IntStream.range(0, rows)
                    .mapToObj(i -> new int[] {i == 0 ? 169 : i * 7 % 170, i % 2})
                    .toArray(int[][]::new);
            verify(
                    rows + size,
                    1,
                    rig -> AttentionScene.of(rig, layout(type, 2, size, size, 64), 170, 170)
                            .attend(form, rows > 1, queries));
        }
    }

    /** Keys and values of other types and sizes, in pages of other lengths. */
    @ParameterizedTest
    @CsvSource({"Q8_0, 192, F16, 128, 32", "F16, 40, Q4_0, 32, 64", "Q4_0, 64, F32, 80, 96", "F32, 16, Q8_0, 64, 32"})
    void quantizedBesideOthers(KvType keyType, int keySize, KvType valueType, int valueSize, int pageTokens) {
        KvLayout layout = new KvLayout(2, keySize, valueSize, keyType, valueType, pageTokens);
        verify(
                keySize,
                1,
                rig -> AttentionScene.of(rig, layout, 130, 5).attend(form(6, keySize), true, new int[][] {
                    {129, 0}, {4, 1}, {63, 0}, {0, 0}
                }));
    }

    /** Several ranges of tokens, some of the rows far apart. */
    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "Q4_0"})
    void longQuantizedSequences(KvType type) {
        verify(
                21,
                1,
                rig -> AttentionScene.of(rig, layout(type, 1, 64, 64, 32), 2100, 700)
                        .attend(form(4, 64), false, new int[][] {{2099, 0}, {699, 1}, {1023, 0}, {512, 0}}));
    }

    /** What stands out, what is nearly zero, and what is zero: the scales of blocks reach from one end of floats to the other. */
    @ParameterizedTest
    @EnumSource(names = {"Q8_0", "Q4_0"})
    void blocksOfAllMagnitudes(KvType type) {
        float[] factors = {1, 1e-3f, 0, 1e-7f, 1e4f, 1e-30f, 1e-33f, 1e6f, -0f, 1e-38f};
        KvLayout layout = layout(type, 1, 64, 64, 32);
        verify(22, 1, rig -> {
            RowCount rows = rig.rows(10, 10);
            Buffer table = rig.integers(1, 1, (round, random) -> new int[1]);
            Buffer positions = rig.integers(
                    10, 1, (round, random) -> IntStream.range(0, 10).toArray());
            Buffer slots = rig.integers(10, 1, (round, random) -> new int[10]);
            Buffer k = rig.floats(10, 64, (round, random) -> scaled(random, 640, i -> 1));
            Buffer v = rig.floats(10, 64, (round, random) -> scaled(random, 640, i -> factors[i / 64]));
            KvPages cache = rig.cache(layout, 1);
            rig.add(new WriteKv(rows, positions, slots, table, k, v, cache));
            // A window of one token: the output is that token's value.
            AttentionForm form = new AttentionForm(1, 0.1f, 1, 0);
            for (int token = 0; token < 10; token++) {
                int at = token;
                RowCount one = rig.rows(1, 1);
                Buffer place = rig.integers(1, 1, (round, random) -> new int[] {at});
                Buffer q = rig.input(one, 64);
                Buffer zero = rig.integers(1, 1, (round, random) -> new int[1]);
                Buffer out = rig.output(one, 64);
                rig.add(new Attention(one, place, zero, table, q, cache, form, null, out));
            }
        });
    }

    private static int[] scaled(RandomGenerator random, int count, IntToDoubleFunction factor) {
        return IntStream.range(0, count)
                .map(i -> Float.floatToRawIntBits((float) (random.nextGaussian() * factor.applyAsDouble(i))))
                .toArray();
    }

    @Test
    void headsThatDoNotDivideIntoBlocksAreRefused() {
        for (KvType type : new KvType[] {KvType.Q8_0, KvType.Q4_0}) {
            UnsupportedFeatureException refused =
                    assertThrows(UnsupportedFeatureException.class, () -> layout(type, 2, 80, 80, 32));
            assertTrue(refused.getMessage().contains("heads of 80"), refused.getMessage());
            assertTrue(refused.getMessage().contains("keys"), refused.getMessage());
        }
    }
}
