package dev.nibble.engine;

import dev.nibble.device.KvLayout;
import dev.nibble.device.KvType;
import dev.nibble.device.StepForm;
import dev.nibble.model.LatentConfig;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How keys and values are made of latent vectors: the tokens of each sequence in tiles, and of a tile a piece at a time, so that what lies
 * between latent vectors and tiles takes little memory.
 *
 * @param layout of the keys and values of a tile: as exact as the cache needs, no more
 * @param piece tokens that are made at once
 * @param pieces of a tile
 * @param mostTiles of a step: a sequence of any length has no more
 * @param latentForm whether all prompts have them, or those that it pays for
 * @param cost what it pays for
 */
record TilePlan(KvLayout layout, int piece, int pieces, int mostTiles, LatentForm latentForm, LatentCost cost) {
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

    /** The tiles of a device's steps; none if no step makes keys and values. */
    static @Nullable TilePlan of(EnginePlan plan) {
        LatentConfig latent = plan.config().latent();
        LatentForm form = plan.latentForm();
        if (latent == null || form == LatentForm.ABSORBED) {
            return null;
        }
        LatentCost cost = new LatentCost(latent, plan.config().valueSize());
        StepLimits limits = plan.limits();
        if (form == LatentForm.AUTO && cost.leastRows() > limits.rows()) {
            return null;
        }
        KvType type = plan.kvLayout().valueType() == KvType.F32 ? KvType.F32 : KvType.F16;
        KvLayout layout = new KvLayout(
                plan.config().heads(),
                latent.plain() + latent.turned(),
                plan.config().valueSize(),
                type,
                type,
                Engine.PAGE_TOKENS);
        int piece = Math.min(limits.rows(), MOST_ROWS);
        long context = (long) limits.pagesPerSequence() * Engine.PAGE_TOKENS;
        long fitting = Math.min(MOST_BYTES / layout.tokenBytes(), context) / piece;
        int pieces = (int) Math.clamp(fitting, 1, MOST_PIECES);
        int tiles = roundUp(Math.ceilDiv(context, (long) piece * pieces));
        return new TilePlan(layout, piece, pieces, tiles, form, cost);
    }

    /** What devices take for attention over tiles. */
    StepForm.Tile form() {
        return new StepForm.Tile(
                layout, (long) pages() * Engine.PAGE_TOKENS, latentForm == LatentForm.AUTO ? cost.leastRows() : 1);
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
    boolean serves(Batch batch) {
        boolean decodes = batch.rows() == batch.lengths().size();
        if (decodes || tiles(batch).size() > mostTiles) {
            return false;
        }
        double seen = 0;
        for (int row = 0; row < batch.rows(); row++) {
            seen += batch.positions()[row] + 1;
        }
        long tokens =
                batch.lengths().values().stream().mapToLong(Integer::longValue).sum();
        return latentForm == LatentForm.MATERIALISED || cost.prefersMaterialised(batch.rows(), seen, tokens);
    }
}
