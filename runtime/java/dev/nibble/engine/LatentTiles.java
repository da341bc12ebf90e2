package dev.nibble.engine;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import dev.nibble.device.HostCopy;
import dev.nibble.device.KvPages;
import dev.nibble.device.Resources;
import dev.nibble.device.RowCount;
import dev.nibble.model.LatentConfig;
import dev.nibble.model.ModelConfig;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/** The buffers of attention over keys and values that are made of latent vectors; n is the number of rows, e the tokens made at once. */
final class LatentTiles implements AutoCloseable {
    /** Rows that see nothing of a tile are of this slot of it, those that see some of slot 0. */
    private static final int BLIND = 1;

    private static final int SLOTS = 2;

    /** (n, heads × (plain + turned)): whole queries. */
    final Buffer query;
    /** (n, heads × 2): what attention carries from tile to tile. */
    final Buffer sums;
    /** (e, rank): latent vectors as they are in the cache, then turned back. */
    final Buffer latent;
    /** Q8 (e, rank). */
    final Buffer latentQuantized;
    /** (e, turned): the turned parts of keys. */
    final Buffer turned;
    /** (e, heads × plain). */
    final Buffer keyPlain;
    /** (e, heads × (plain + turned)): whole keys. */
    final Buffer key;
    /** (e, heads × valueSize). */
    final Buffer value;
    /** I32 (e, 1): all tokens of a tile are of its slot 0. */
    final Buffer zeros;
    /** I32 (e, 1) for each piece: the places of its tokens in a tile. */
    final List<Buffer> places;
    /** I32 (2, pages of a tile). */
    final Buffer pageTable;
    /** The keys and values of a tile. */
    final KvPages pages;

    private final Resources all = new Resources();
    private final Device device;
    private final TilePlan plan;
    private final List<Tile> tiles = new ArrayList<>();
    private final Map<Buffer, Integer> live = new WeakHashMap<>();

    /**
     * What changes from step to step of a tile.
     *
     * @param rows I32 (1, 1): rows of the step; none if the step does not have this tile
     * @param seen I32 (n, 1): the last token of the tile that a row sees, or −1
     * @param slots I32 (n, 1): 0, or {@link #BLIND}
     * @param pieces those of the tile
     */
    record Tile(Buffer rows, Buffer seen, Buffer slots, List<Piece> pieces) {}

    /**
     * The tokens that are made at once.
     *
     * @param count I32 (1, 1)
     * @param from I32 (1, 2): the slot of their sequence, and the position of the first
     */
    record Piece(Buffer count, Buffer from) {}

    LatentTiles(Device device, ModelConfig config, LatentConfig sizes, TilePlan plan, int n) {
        this.device = device;
        this.plan = plan;
        int heads = config.heads();
        int e = plan.piece();
        int whole = sizes.plain() + sizes.turned();
        query = floats(n, heads * whole);
        sums = floats(n, heads * 2);
        latent = floats(e, sizes.rank());
        latentQuantized = allocate(ElementType.Q8, e, sizes.rank());
        turned = floats(e, sizes.turned());
        keyPlain = floats(e, heads * sizes.plain());
        key = floats(e, heads * whole);
        value = floats(e, heads * config.valueSize());
        zeros = constants(e, i -> 0);
        places = IntStream.range(0, plan.pieces())
                .mapToObj(piece -> constants(e, i -> piece * e + i))
                .toList();
        pages = own(device.allocateKv(plan.layout(), plan.pages()));
        pageTable = ints(SLOTS, plan.pages());
        write(
                pageTable,
                IntStream.range(0, SLOTS * plan.pages())
                        .map(i -> i % plan.pages())
                        .toArray());
        for (int i = 0; i < plan.mostTiles(); i++) {
            List<Piece> parts = IntStream.range(0, plan.pieces())
                    .mapToObj(piece -> new Piece(constants(1, none -> 0), ints(1, 2)))
                    .toList();
            tiles.add(new Tile(constants(1, none -> 0), ints(n, 1), ints(n, 1), parts));
        }
    }

    /** The memory that they take, within a few percent. */
    static long estimateBytes(ModelConfig config, LatentConfig sizes, TilePlan plan, int n) {
        long heads = config.heads();
        long whole = sizes.plain() + sizes.turned();
        long perRow = heads * (whole + 2);
        long perToken = sizes.rank() + sizes.turned() + heads * (sizes.plain() + whole + config.valueSize());
        long perTile = 2L * n + 1 + 3L * plan.pieces();
        return (n * perRow + plan.piece() * (perToken + 1 + plan.pieces()) + plan.mostTiles() * perTile) * Float.BYTES
                + plan.piece() * sizes.rank() * 5L / 4
                + plan.pages() * plan.layout().pageBytes();
    }

    TilePlan plan() {
        return plan;
    }

    /** The first so many tiles. */
    List<Tile> tiles(int count) {
        return tiles.subList(0, count);
    }

    /** Rows of a tile that attend to it. */
    static RowCount rows(Tile tile, int limit) {
        return new RowCount(tile.rows, limit);
    }

    /** How many rows of an operation on tiles are live since the last {@link #copies}. */
    int live(Buffer count) {
        return live.getOrDefault(count, 0);
    }

    /**
     * What is to be written for a batch.
     *
     * @param prepared tiles of the step that runs: those that the batch has no use for get no rows
     */
    List<HostCopy> copies(Batch batch, int prepared) {
        List<TilePlan.Tile> used = plan.tiles(batch);
        List<HostCopy> copies = new ArrayList<>();
        for (int i = 0; i < prepared; i++) {
            Tile tile = tiles.get(i);
            TilePlan.Tile of = i < used.size() ? used.get(i) : new TilePlan.Tile(0, 0, 0);
            count(copies, tile.rows, of.count() == 0 ? 0 : batch.rows());
            for (int piece = 0; piece < plan.pieces(); piece++) {
                int first = piece * plan.piece();
                Piece target = tile.pieces.get(piece);
                count(copies, target.count, Math.clamp(of.count() - first, 0, plan.piece()));
                copies.add(copy(target.from, of.slot(), of.first() + first));
            }
            if (of.count() > 0) {
                int[] seen = seen(of, batch);
                copies.add(copy(tile.seen, seen));
                copies.add(copy(
                        tile.slots,
                        IntStream.of(seen).map(last -> last < 0 ? BLIND : 0).toArray()));
            }
        }
        return copies;
    }

    private static int[] seen(TilePlan.Tile tile, Batch batch) {
        return IntStream.range(0, batch.rows())
                .map(row -> batch.slots()[row] == tile.slot()
                        ? Math.clamp((long) batch.positions()[row] - tile.first(), -1, tile.count() - 1)
                        : -1)
                .toArray();
    }

    private void count(List<HostCopy> copies, Buffer target, int count) {
        live.put(target, count);
        copies.add(copy(target, count));
    }

    private static HostCopy copy(Buffer target, int... values) {
        return new HostCopy(target, 0, MemorySegment.ofArray(values));
    }

    @Override
    public void close() {
        all.close();
    }

    private Buffer constants(int rows, IntUnaryOperator value) {
        Buffer buffer = ints(rows, 1);
        write(buffer, IntStream.range(0, rows).map(value).toArray());
        return buffer;
    }

    private void write(Buffer buffer, int[] values) {
        device.queue().write(buffer, 0, MemorySegment.ofArray(values));
    }

    private Buffer floats(int rows, int width) {
        return allocate(ElementType.F32, rows, width);
    }

    private Buffer ints(int rows, int width) {
        return allocate(ElementType.I32, rows, width);
    }

    private Buffer allocate(ElementType type, int rows, int width) {
        try {
            return own(device.allocate(type, rows, width));
        } catch (RuntimeException | Error e) {
            all.closeAfter(e);
            throw e;
        }
    }

    private <T extends AutoCloseable> T own(T resource) {
        return all.own(resource);
    }
}
