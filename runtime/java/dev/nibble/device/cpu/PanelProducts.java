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
        QuantizedRows x = Objects.requireNonNull(product.quantized()).vectors();
        boolean oneToken = product.selection().count() == 1;
        int offset = 0;
        for (int column = 0; column < x.columns(); column += PackedMatrix.PANEL) {
            int blocks = Math.min(PackedMatrix.PANEL, x.columns() - column) / BLOCK;
            if (oneToken) {
                int block = (product.selection().input(0) * x.columns() + column) / BLOCK;
                layout.oneToken().multiply(tile, offset, blocks, x, block, workspace);
            } else {
                multiplyMany(layout, tile, offset, blocks, x, product.selection(), column, workspace);
            }
            offset += layout.panelBytes(blocks);
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
        layout.form().unpack(tile, offset, blocks, workspace);
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
        workspace.multiply(layout.form(), blocks, x, to);
        if (layout.form().hasOffsets()) {
            boolean halves = layout.form().sums() == QuantForm.Sums.PAIRS_OF_HALF_BLOCKS;
            workspace.addOffsets(halves ? 2 * blocks : blocks, halves, x, to);
        }
    }
}
