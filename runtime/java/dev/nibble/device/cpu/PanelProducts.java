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
        if (layout.scales().hasOffsets()) {
            boolean halves = layout.quants().sums() == QuantForm.Sums.PAIRS_PER_HALF_BLOCK;
            workspace.addOffsets(halves ? 2 * blocks : blocks, halves, x, at);
        }
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
        layout.quants().unpack(tile, offset, blocks, workspace);
        for (int token = 0; token < selection.count(); token += TileWorkspace.TOKENS) {
            multiplyUnpacked(layout, blocks, x, selection, token, column, workspace);
        }
    }

    /** Multiplies four tokens; beyond the last, the last is taken again, whose results nobody reads. */
    private static void multiplyUnpacked(
            TileLayout layout,
            int blocks,
            QuantizedRows x,
            RowSelection selection,
            int token,
            int column,
            TileWorkspace workspace) {
        int last = selection.count() - 1;
        int[] at = workspace.tokens;
        for (int t = 0; t < at.length; t++) {
            at[t] = selection.input(Math.min(token + t, last)) * x.columns() + column;
        }
        int to = token * ROWS;
        switch (layout.quants().sums()) {
            case PAIRS_PER_BLOCK -> workspace.multiplyPairs(blocks, false, x, to);
            case PAIRS_PER_HALF_BLOCK -> workspace.multiplyPairs(2 * blocks, true, x, to);
            case FLOATS_PER_BLOCK -> workspace.multiplyFloats(blocks, x, to);
        }
        if (layout.scales().hasOffsets()) {
            boolean halves = layout.quants().sums() == QuantForm.Sums.PAIRS_PER_HALF_BLOCK;
            workspace.addOffsetsOfFour(halves ? 2 * blocks : blocks, halves, x, to);
        }
    }
}
