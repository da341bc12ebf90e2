package dev.nibble.device;

import dev.nibble.device.AttentionOperation.Attention;
import dev.nibble.device.AttentionOperation.WriteKv;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** WriteKv and Attention, whatever the cache holds. */
abstract class AttentionContract extends DeviceContract {
    AttentionContract(Subject subject) {
        super(subject);
    }

    static KvLayout layout(int heads, int keySize, int valueSize, int pageTokens) {
        return layout(KvType.F16, heads, keySize, valueSize, pageTokens);
    }

    static KvLayout layout(KvType type, int heads, int keySize, int valueSize, int pageTokens) {
        return new KvLayout(heads, keySize, valueSize, type, type, pageTokens);
    }

    static AttentionForm form(int heads, int keySize) {
        return new AttentionForm(heads, (float) (1 / Math.sqrt(keySize)), 0, 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 7})
    void queryHeadsThatShareKeys(int ratio) {
        for (int kvHeads : new int[] {1, 2, 3}) {
            verify(
                    ratio,
                    1,
                    rig -> AttentionScene.of(rig, layout(kvHeads, 32, 32, 32), 50, 33)
                            .attend(form(ratio * kvHeads, 32), false, new int[][] {{49, 0}, {32, 1}, {10, 1}}));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 64, 80, 96, 128, 256})
    void everyHeadSize(int size) {
        verify(
                size,
                1,
                rig -> AttentionScene.of(rig, layout(2, size, size, 64), 70, 5)
                        .attend(form(6, size), false, new int[][] {{69, 0}, {4, 1}, {63, 0}, {64, 0}}));
    }

    /** Sizes that are no multiples of what processors work on at once, for many rows and for one. */
    @ParameterizedTest
    @CsvSource({"16, F16", "16, F32", "40, F16", "40, F32", "48, F16", "48, F32", "32, F32", "96, F16"})
    void oddPagesAndValues(int pageTokens, KvType type) {
        KvLayout layout = new KvLayout(2, 80, 80, type, type, pageTokens);
        verify(
                pageTokens,
                1,
                rig -> AttentionScene.of(rig, layout, 170, 40).attend(form(6, 80), true, new int[][] {
                    {169, 0}, {0, 1}, {39, 1}, {15, 0}, {16, 0}, {47, 0}, {48, 0}, {95, 0}, {96, 0}
                }));
        verify(
                pageTokens,
                1,
                rig -> AttentionScene.of(rig, layout, 170).attend(form(2, 80), true, new int[][] {{169, 0}}));
    }

    /** What comes out is quantized in blocks: those lie within a head, or, of 80 values, not. */
    @ParameterizedTest
    @ValueSource(ints = {32, 80, 128, 192, 256})
    void attentionThatIsQuantized(int size) {
        for (int n : new int[] {1, 3}) {
            int[][] queries =
                    IntStream.range(0, n).mapToObj(i -> new int[] {299 - i, 0}).toArray(int[][]::new);
            verify(
                    size + n,
                    2,
                    1e-4,
                    rig -> AttentionScene.of(rig, layout(2, size, size, 32), 300)
                            .attendAndMultiply(rig.rows(n, n, 1), form(8, size), queries, n, 1));
        }
    }

    @ParameterizedTest
    @CsvSource({"192, 128", "64, 128", "96, 32"})
    void keysAndValuesOfDifferentSizes(int keySize, int valueSize) {
        verify(
                keySize,
                1,
                rig -> AttentionScene.of(rig, layout(2, keySize, valueSize, 32), 70, 5)
                        .attend(form(4, keySize), true, new int[][] {{69, 0}, {4, 1}, {31, 0}, {32, 0}}));
    }

    @ParameterizedTest
    @ValueSource(ints = {32, 64})
    void longSequences(int pageTokens) {
        verify(
                pageTokens,
                1,
                rig -> AttentionScene.of(rig, layout(2, 64, 64, pageTokens), 1501)
                        .attend(form(4, 64), false, new int[][] {{1500, 0}}));
        verify(
                pageTokens,
                1,
                rig -> AttentionScene.of(rig, layout(1, 32, 32, pageTokens), 1024, 700)
                        .attend(form(4, 32), false, new int[][] {{1023, 0}, {699, 1}, {1022, 0}, {511, 1}, {512, 0}}));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 31, 32, 33, 64, 100, 400})
    void windows(int window) {
        AttentionForm windowed = new AttentionForm(4, 0.125f, window, 0);
        verify(
                window,
                1,
                rig -> AttentionScene.of(rig, layout(2, 64, 64, 32), 300, 20).attend(windowed, false, new int[][] {
                    {299, 0}, {19, 1}, {64, 0}, {63, 0}, {31, 0}, {0, 0}, {100, 0}
                }));
    }

    @ParameterizedTest
    @ValueSource(floats = {0.5f, 5, 50})
    void softCaps(float softcap) {
        AttentionForm capped = new AttentionForm(4, 0.5f, 0, softcap);
        verify(
                2,
                1,
                rig -> AttentionScene.of(rig, layout(2, 64, 64, 32), 130).attend(capped, false, new int[][] {
                    {129, 0}, {0, 0}, {64, 0}
                }));
    }

    @Test
    void sinks() {
        verify(
                3,
                1,
                rig -> AttentionScene.of(rig, layout(2, 64, 64, 32), 130, 1).attend(form(4, 64), true, new int[][] {
                    {129, 0}, {0, 0}, {64, 0}, {0, 1}
                }));
        AttentionForm all = new AttentionForm(8, 0.3f, 20, 3);
        verify(
                4,
                1,
                rig -> AttentionScene.of(rig, layout(2, 64, 64, 32), 1100, 1).attend(all, true, new int[][] {
                    {1099, 0}, {0, 0}, {64, 0}, {0, 1}
                }));
    }

    /** One key far above the others, and scores too large for exp without their maximum taken off. */
    @Test
    void peakedScores() {
        AttentionForm peaked = new AttentionForm(4, 12, 0, 0);
        verify(
                5,
                1,
                rig -> AttentionScene.of(rig, layout(2, 64, 64, 32), 600).attend(peaked, false, new int[][] {
                    {599, 0}, {0, 0}, {64, 0}
                }));
    }

    /** A prompt in chunks that do not end at pages, its rows in any order, then token by token. */
    @ParameterizedTest
    @CsvSource({"F16, 32", "F16, 64", "Q8_0, 32", "Q4_0, 64"})
    void chunksThenTokens(KvType type, int pageTokens) {
        int[] lives = {23, 23, 40, 0, 1, 1, 1, 17};
        int[] starts = new int[lives.length + 1];
        Arrays.setAll(starts, i -> Arrays.stream(lives, 0, i).sum());
        verify(pageTokens, lives.length, rig -> {
            RowCount rows = rig.rows(40, lives);
            Buffer positions = rig.integers(rows, 1, (round, random) -> {
                int[] order = shuffled(
                        IntStream.range(starts[round], starts[round + 1]).toArray(), random.nextLong());
                return Arrays.copyOf(order, 40);
            });
            Buffer slots = rig.integers(rows, 1, (round, random) -> new int[40]);
            AttentionScene.of(rig, layout(type, 2, 64, 64, pageTokens), starts[lives.length])
                    .inPlaceOfHistory(rows, positions, slots, form(4, 64));
        });
    }

    /** A prompt of many rows at once, after another of its own sequence. */
    @ParameterizedTest
    @CsvSource({"F16, 0", "F16, 70", "Q8_0, 0", "Q8_0, 70", "Q4_0, 0"})
    void longPrompts(KvType type, int window) {
        int[] lives = {131, 150};
        verify(window, lives.length, rig -> {
            RowCount rows = rig.rows(150, lives);
            Buffer positions = rig.integers(
                    rows,
                    1,
                    (round, random) ->
                            IntStream.range(131 * round, 131 * round + 150).toArray());
            Buffer slots = rig.integers(rows, 1, (round, random) -> new int[150]);
            AttentionForm form = new AttentionForm(4, 0.2f, window, 0);
            AttentionScene.of(rig, layout(type, 2, 32, 32, 64), 281).inPlaceOfHistory(rows, positions, slots, form);
        });
    }

    /** The same step for a single row, now near the beginning, now far along. */
    @Test
    void positionsThatJump() {
        int[] ends = {0, 1500, 31, 700, 64, 1023, 1024};
        int[] lives = new int[ends.length];
        Arrays.fill(lives, 1);
        verify(10, ends.length, rig -> {
            AttentionScene scene = AttentionScene.of(rig, layout(1, 64, 64, 32), 1501);
            scene.writeHistory(ends.length);
            RowCount rows = rig.rows(1, lives);
            Buffer positions = rig.integers(rows, 1, (round, random) -> new int[] {ends[round]});
            Buffer slots = rig.integers(rows, 1, (round, random) -> new int[1]);
            scene.attend(rows, positions, slots, form(2, 64), false);
        });
    }

    /** Several sequences in one batch: some decode, one reads its prompt; their rows stand in any order. */
    @ParameterizedTest
    @EnumSource(KvType.class)
    void mixedBatches(KvType type) {
        int[][][] rounds = new int[3][][];
        for (int round = 0; round < rounds.length; round++) {
            int start = 37 * round;
            int[][] prompt = IntStream.range(start, start + 37)
                    .mapToObj(p -> new int[] {p, 3})
                    .toArray(int[][]::new);
            int[][] decode = {{round, 0}, {round, 1}, {round, 2}, {round, 4}};
            rounds[round] = IntStream.range(0, 41)
                    .mapToObj(i -> i * 17 % 41)
                    .map(i -> i < 4 ? decode[i] : prompt[i - 4])
                    .toArray(int[][]::new);
        }
        verify(6, rounds.length, rig -> {
            RowCount rows = rig.rows(41, 41, 41, 41);
            Buffer positions = rig.integers(rows, 1, (round, random) -> column(rounds[round], 0));
            Buffer slots = rig.integers(rows, 1, (round, random) -> column(rounds[round], 1));
            AttentionScene.of(rig, layout(type, 3, 32, 64, 32), 3, 3, 3, 111, 3)
                    .inPlaceOfHistory(rows, positions, slots, form(6, 32));
        });
    }

    /** The same attention with rows that are not live, in all positions of the live count. */
    @Test
    void liveCounts() {
        verify(
                7,
                5,
                rig -> AttentionScene.of(rig, layout(2, 32, 32, 32), 90)
                        .attend(form(4, 32), false, new int[][] {{89, 0}, {5, 0}, {60, 0}}, 3, 0, 1, 2, 3));
    }

    /** Two layers, each with pages of its own under the same page table. */
    @Test
    void cachesOfTwoLayers() {
        verify(8, 1, rig -> {
            AttentionScene first = AttentionScene.of(rig, layout(2, 32, 32, 32), 40, 40);
            AttentionScene second = first.anotherLayer(layout(1, 64, 64, 32));
            first.attend(form(4, 32), false, new int[][] {{39, 0}, {39, 1}});
            second.attend(form(4, 64), false, new int[][] {{39, 0}, {39, 1}});
        });
    }

    /** Two sequences whose first page is the same one: a prefix that was computed once. */
    @ParameterizedTest
    @EnumSource(KvType.class)
    void aSharedPrefix(KvType type) {
        verify(9, 1, rig -> {
            KvLayout layout = layout(type, 2, 32, 32, 32);
            KvPages cache = rig.cache(layout, 5);
            Buffer pageTable = rig.integers(2, 3, (round, random) -> new int[] {4, 1, -1, 4, 2, -1});
            RowCount written = rig.rows(32 + 8 + 9, 32 + 8 + 9);
            int[] tokens = IntStream.concat(IntStream.range(0, 40), IntStream.range(32, 41))
                    .toArray();
            Buffer positions = rig.integers(49, 1, (round, random) -> tokens);
            Buffer slots = rig.integers(
                    49,
                    1,
                    (round, random) -> IntStream.range(0, 49).map(i -> i / 40).toArray());
            Buffer k = rig.input(written, 64);
            rig.add(new WriteKv(written, positions, slots, pageTable, k, rig.input(written, 64), cache));
            RowCount rows = rig.rows(2, 2);
            Buffer ends = rig.integers(2, 1, (round, random) -> new int[] {39, 40});
            Buffer both = rig.integers(2, 1, (round, random) -> new int[] {0, 1});
            Buffer q = rig.input(rows, 128);
            Buffer out = rig.output(rows, 128);
            rig.add(new Attention(rows, ends, both, pageTable, q, cache, form(4, 32), null, out));
        });
    }

    private static int[] column(int[][] rows, int column) {
        return Arrays.stream(rows).mapToInt(row -> row[column]).toArray();
    }

    static int[] shuffled(int[] values, long seed) {
        Random random = new Random(seed);
        for (int i = values.length; i > 1; i--) {
            int j = random.nextInt(i);
            int last = values[i - 1];
            values[i - 1] = values[j];
            values[j] = last;
        }
        return values;
    }
}
