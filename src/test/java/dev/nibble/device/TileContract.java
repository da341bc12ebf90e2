package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.nibble.device.AttentionOperation.ReadLatent;
import dev.nibble.device.AttentionOperation.TileAttention;
import dev.nibble.device.AttentionOperation.WriteKv;
import dev.nibble.device.Operation.JoinHeads;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** ReadLatent, JoinHeads and TileAttention: whole keys and values made of latent vectors, a tile of tokens at a time. */
abstract class TileContract extends DeviceContract {
    TileContract(Subject subject) {
        super(subject);
    }

    /** From the middle of a page of the second sequence to its end, then less, then nothing. */
    @ParameterizedTest
    @EnumSource
    void latentVectorsAreReadBack(KvType type) {
        verify(1, 3, rig -> {
            KvLayout layout = new KvLayout(1, 64, 512, type, type, 32, true);
            AttentionScene scene = AttentionScene.of(rig, layout, 40, 101);
            scene.writeHistory(3);
            read(rig, scene, 53, new int[] {53, 20, 0}, 1, 48);
        });
        boolean blocks = type.isQuantized();
        verify(2, 1, rig -> {
            KvLayout layout = new KvLayout(1, blocks ? 32 : 10, blocks ? 96 : 40, type, type, blocks ? 32 : 48, true);
            AttentionScene scene = AttentionScene.of(rig, layout, 70, 5);
            scene.writeHistory(1);
            read(rig, scene, 70, new int[] {69}, 0, 1);
        });
    }

    private static void read(Rig rig, AttentionScene scene, int limit, int[] lives, int slot, int first) {
        RowCount rows = rig.rows(limit, lives);
        Buffer from = rig.integers(1, 2, (round, random) -> new int[] {slot, first});
        KvLayout layout = scene.cache().layout();
        Buffer turned = rig.output(rows, layout.keySize());
        Buffer latent = rig.output(rows, layout.valueSize());
        rig.add(new ReadLatent(rows, from, scene.pageTable(), scene.cache(), turned, latent));
    }

    @ParameterizedTest
    @CsvSource({"16, 128, 64", "3, 7, 5", "1, 40, 1", "128, 128, 64"})
    void headsAreJoined(int heads, int a, int b) {
        verify(heads, 2, rig -> {
            RowCount rows = rig.rows(9, 9, 2);
            Buffer first = rig.input(rows, heads * a);
            rig.add(new JoinHeads(rows, first, rig.input(rows, b), heads, rig.output(rows, heads * (a + b))));
            Buffer apart = rig.input(rows, heads * b);
            rig.add(new JoinHeads(rows, first, apart, heads, rig.output(rows, heads * (a + b))));
        });
    }

    /** Sizes of the models that there are and odd ones, one row, a few and many; the last tile is not full. */
    @ParameterizedTest
    @CsvSource({
        "F16, 4, 192, 128, 50",
        "F32, 4, 192, 128, 23",
        "F16, 2, 192, 128, 3",
        "F16, 3, 40, 24, 9",
        "F16, 5, 96, 64, 1"
    })
    void tilesAddUp(KvType type, int heads, int keySize, int valueSize, int rows) {
        KvLayout layout = new KvLayout(heads, keySize, valueSize, type, type, 32);
        verify(rows, 2, rig -> tiles(rig, layout, rows, new int[] {rows, (rows + 1) / 2}, 64, 128, 40));
    }

    /** A tile of many tokens, which devices cut into parts. */
    @Test
    void longTiles() {
        KvLayout layout = new KvLayout(2, 192, 128, KvType.F16, KvType.F16, 32);
        verify(7, 1, rig -> tiles(rig, layout, 11, new int[] {11}, 1500, 700));
    }

    /** Each tile takes the place of the one before. Some rows see nothing of some tiles, and one nothing at all. */
    private static void tiles(Rig rig, KvLayout layout, int limit, int[] lives, int... tiles) {
        int pages = Arrays.stream(tiles)
                .map(tokens -> Math.ceilDiv(tokens, layout.pageTokens()))
                .max()
                .orElseThrow();
        KvPages tile = rig.cache(layout, pages);
        int[] order = AttentionContract.shuffled(IntStream.range(0, pages).toArray(), 5);
        int[] twice = IntStream.range(0, 2 * pages).map(i -> order[i % pages]).toArray();
        Buffer table = rig.integers(2, pages, (round, random) -> twice);
        RowCount rows = rig.rows(limit, lives);
        Buffer q = rig.input(rows, layout.heads() * layout.keySize());
        Buffer sums = rig.between(ElementType.F32, rows, layout.heads() * 2);
        Buffer out = rig.output(rows, layout.heads() * layout.valueSize());
        AttentionForm form = new AttentionForm(layout.heads(), (float) (1.3 / Math.sqrt(layout.keySize())), 0, 0);
        for (int i = 0; i < tiles.length; i++) {
            int tokens = tiles[i];
            int number = i;
            int[] full = new int[lives.length];
            Arrays.fill(full, tokens);
            RowCount written = rig.rows(tokens, full);
            Buffer positions = rig.integers(
                    written, 1, (round, random) -> IntStream.range(0, tokens).toArray());
            Buffer zeros = rig.integers(written, 1, (round, random) -> new int[tokens]);
            Buffer k = rig.input(written, layout.heads() * layout.keySize());
            Buffer v = rig.input(written, layout.heads() * layout.valueSize());
            rig.add(new WriteKv(written, positions, zeros, table, k, v, tile));
            int[] last = IntStream.range(0, limit)
                    .map(row -> row == 5 || row % 4 == number ? -1 : tokens - 1 - row * 7 % tokens)
                    .toArray();
            Buffer seen = rig.integers(rows, 1, (round, random) -> last);
            Buffer slots = rig.integers(
                    rows,
                    1,
                    (round, random) ->
                            Arrays.stream(last).map(x -> x < 0 ? 1 : 0).toArray());
            rig.add(new TileAttention(rows, seen, slots, table, q, tile, form, i == 0, sums, out));
        }
    }

    @Test
    void wrongShapesAreRefused() throws Exception {
        try (Rig rig = new Rig(new TextbookDevice(false), 1)) {
            RowCount rows = rig.rows(3, 3);
            Buffer a = rig.input(rows, 12);
            Buffer b = rig.input(rows, 6);
            assertThrows(IllegalArgumentException.class, () -> new JoinHeads(rows, a, b, 2, rig.output(rows, 20)));
            assertThrows(IllegalArgumentException.class, () -> new JoinHeads(rows, a, b, 5, rig.output(rows, 18)));
            KvPages whole = rig.cache(new KvLayout(1, 6, 12, KvType.F16, KvType.F16, 32), 1);
            Buffer from = rig.integers(1, 2, (round, random) -> new int[2]);
            Buffer table = rig.integers(1, 1, (round, random) -> new int[1]);
            assertThrows(IllegalArgumentException.class, () -> new ReadLatent(rows, from, table, whole, b, a));
            AttentionForm window = new AttentionForm(1, 1, 8, 0);
            Buffer seen = rig.indices(rows, 1);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> new TileAttention(
                            rows, seen, seen, table, b, whole, window, true, rig.input(rows, 2), rig.output(rows, 12)));
        }
    }
}
