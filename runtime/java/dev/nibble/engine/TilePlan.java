package dev.nibble.engine;

import dev.nibble.device.KvLayout;
import dev.nibble.device.KvType;
import dev.nibble.model.LatentConfig;
import dev.nibble.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * How keys and values are made of latent vectors: the tokens of each sequence in tiles, and of a tile a piece at a time, so that what lies
 * between latent vectors and tiles takes little memory.
 *
 * @param layout of the keys and values of a tile: as exact as the cache needs, no more
 * @param piece tokens that are made at once
 * @param pieces of a tile
 * @param mostTiles of a step: a sequence of any length has no more
 */
record TilePlan(KvLayout layout, int piece, int pieces, int mostTiles) {
    private static final int MOST_ROWS = 512;
    private static final int MOST_PIECES = 4;
    private static final long MOST_BYTES = 128L << 20;

    /**
     * A tile of a sequence.
     *
     * @param slot of the sequence
     * @param first the position of its first token
     * @param count its tokens
     */
    record Tile(int slot, int first, int count) {}

    static TilePlan of(ModelConfig config, LatentConfig latent, KvLayout cache, StepLimits limits) {
        KvType type = cache.valueType() == KvType.F32 ? KvType.F32 : KvType.F16;
        KvLayout layout = new KvLayout(
                config.heads(), latent.plain() + latent.turned(), config.valueSize(), type, type, Engine.PAGE_TOKENS);
        int piece = Math.min(limits.rows(), MOST_ROWS);
        long context = (long) limits.pagesPerSequence() * Engine.PAGE_TOKENS;
        long fitting = Math.min(MOST_BYTES / layout.tokenBytes(), context) / piece;
        int pieces = (int) Math.clamp(fitting, 1, MOST_PIECES);
        return new TilePlan(layout, piece, pieces, roundUp(Math.ceilDiv(context, (long) piece * pieces)));
    }

    private static int roundUp(long count) {
        return Math.toIntExact(count <= 1 ? 1 : Long.highestOneBit(count - 1) << 1);
    }

    /** Tokens of a tile. */
    int tokens() {
        return piece * pieces;
    }

    /** Pages of a tile. */
    int pages() {
        return Math.ceilDiv(tokens(), layout.pageTokens());
    }

    /** The number that a step is prepared for, of so many tiles. */
    static int bucket(int tiles) {
        return roundUp(tiles);
    }

    /** The tiles of all sequences of a batch, up to each one's last row. */
    List<Tile> tiles(Batch batch) {
        List<Tile> tiles = new ArrayList<>();
        batch.lengths().forEach((slot, length) -> {
            for (int first = 0; first < length; first += tokens()) {
                tiles.add(new Tile(slot, first, Math.min(tokens(), length - first)));
            }
        });
        return tiles;
    }

    /**
     * Whether a batch is to make keys and values, so far as there are tiles for it. One that only decodes is not: the steps after it may
     * begin before the host knows of them.
     */
    boolean serves(Batch batch, LatentForm form, LatentCost cost) {
        boolean decodes = batch.rows() == batch.lengths().size();
        if (decodes || form == LatentForm.ABSORBED || tiles(batch).size() > mostTiles) {
            return false;
        }
        double seen = 0;
        for (int row = 0; row < batch.rows(); row++) {
            seen += batch.positions()[row] + 1;
        }
        long tokens =
                batch.lengths().values().stream().mapToLong(Integer::longValue).sum();
        return form == LatentForm.MATERIALISED || cost.prefersMaterialised(batch.rows(), seen, tokens);
    }
}
