package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Multiplies a tile of integer weights by all tokens, panel by panel. One token is multiplied straight from the packed form; for
 * several, a panel is unpacked once and stays in the cache while the tokens pass in groups of four.
 */
final class PanelProducts {
    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int BLOCK = QuantizedRows.BLOCK;

    private PanelProducts() {}

    /** Adds the products to the workspace's results, (token, row). */
    static void multiply(TileLayout layout, TiledProduct product, MemorySegment tile, TileWorkspace workspace) {
        QuantizedRows x = Objects.requireNonNull(product.quantized());
        RowSelection selection = product.selection();
        int offset = 0;
        for (int column = 0; column < x.columns(); column += PackedMatrix.PANEL) {
            int blocks = Math.min(PackedMatrix.PANEL, x.columns() - column) / BLOCK;
            layout.scales().decode(tile, offset, blocks, workspace);
            if (layout.quants().bias() != 0) {
                TileScaling.addBias(layout.quants().bias(), blocks, workspace.scales, workspace.offsets);
            }
            int quants = offset + layout.scaleBytes(blocks);
            if (selection.count() == 1) {
                multiplyOne(layout, tile, quants, blocks, x, selection.input(0) * x.columns() + column, workspace);
            } else {
                multiplyMany(layout, tile, quants, blocks, x, selection, column, workspace);
            }
            offset += layout.panelBytes(blocks);
        }
    }

    private static void multiplyOne(
            TileLayout layout,
            MemorySegment tile,
            int offset,
            int blocks,
            QuantizedRows x,
            int at,
            TileWorkspace workspace) {
        layout.quants().multiply(tile, offset, blocks, x, at, workspace);
        addOffsets(layout, 0, blocks, x, at, workspace, 0);
    }

    private static void multiplyMany(
            TileLayout layout,
            MemorySegment tile,
            int offset,
            int blocks,
            QuantizedRows x,
            RowSelection selection,
            int column,
            TileWorkspace workspace) {
        for (int first = 0; first < blocks; first += QuantForm.CHUNK) {
            int count = Math.min(QuantForm.CHUNK, blocks - first);
            layout.quants().unpack(tile, offset + layout.quants().bytes(first), count, workspace);
            int at = column + first * BLOCK;
            for (int token = 0; token < selection.count(); token += TileWorkspace.TOKENS) {
                multiplyUnpacked(layout, count, x, selection, token, at, workspace);
                int tokens = Math.min(TileWorkspace.TOKENS, selection.count() - token);
                for (int t = 0; t < tokens; t++) {
                    int xAt = selection.input(token + t) * x.columns() + at;
                    addScaled(layout, first, count, t, x, xAt, workspace, (token + t) * ROWS);
                }
            }
        }
    }

    /** Multiplies four tokens; beyond the last, the last is taken again and its products are not used. */
    private static void multiplyUnpacked(
            TileLayout layout,
            int blocks,
            QuantizedRows x,
            RowSelection selection,
            int token,
            int at,
            TileWorkspace workspace) {
        int last = selection.count() - 1;
        int x0 = selection.input(token) * x.columns() + at;
        int x1 = selection.input(Math.min(token + 1, last)) * x.columns() + at;
        int x2 = selection.input(Math.min(token + 2, last)) * x.columns() + at;
        int x3 = selection.input(Math.min(token + 3, last)) * x.columns() + at;
        MemorySegment weights = workspace.weights;
        for (int row = 0; row < ROWS; row += 2 * Lanes.COUNT) {
            switch (layout.quants().sums()) {
                case PAIRS_PER_BLOCK ->
                    TileProducts.pairs(
                            weights, blocks, 16, x.pairs, x0 / 2, x1 / 2, x2 / 2, x3 / 2, row, workspace.pairSums);
                case PAIRS_PER_HALF_BLOCK ->
                    TileProducts.pairs(
                            weights, 2 * blocks, 8, x.pairs, x0 / 2, x1 / 2, x2 / 2, x3 / 2, row, workspace.pairSums);
                case FLOATS_PER_BLOCK ->
                    TileProducts.floats(weights, blocks, x.integers, x0, x1, x2, x3, row, workspace.floatSums);
            }
        }
    }

    /** Scales the sums of token {@code t} of the workspace's four. */
    private static void addScaled(
            TileLayout layout,
            int firstBlock,
            int blocks,
            int t,
            QuantizedRows x,
            int at,
            TileWorkspace workspace,
            int to) {
        switch (layout.quants().sums()) {
            case PAIRS_PER_BLOCK -> workspace.addPairs(t, TileWorkspace.TOKENS, firstBlock, blocks, false, x, at, to);
            case PAIRS_PER_HALF_BLOCK ->
                workspace.addPairs(t, TileWorkspace.TOKENS, 2 * firstBlock, 2 * blocks, true, x, at, to);
            case FLOATS_PER_BLOCK -> workspace.addFloats(t, TileWorkspace.TOKENS, firstBlock, blocks, x, at, to);
        }
        addOffsets(layout, firstBlock, blocks, x, at, workspace, to);
    }

    private static void addOffsets(
            TileLayout layout, int firstBlock, int blocks, QuantizedRows x, int at, TileWorkspace workspace, int to) {
        if (layout.scales().hasOffsets()) {
            boolean halves = layout.quants().sums() == QuantForm.Sums.PAIRS_PER_HALF_BLOCK;
            int groups = halves ? 2 : 1;
            workspace.addOffsets(groups * firstBlock, groups * blocks, halves, x, at, to);
        }
    }
}
