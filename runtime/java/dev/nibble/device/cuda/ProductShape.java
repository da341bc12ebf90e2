package dev.nibble.device.cuda;

/**
 * How products are cut into blocks of threads: the variants of {@code cuda-kernels/matmul.cu}.
 *
 * @param rows rows of activations that a block works on at a time, which the kernel is named by
 * @param tilesOfBlock tiles of weights of a block
 * @param warps of a block: one for each tile, or as many as share a tile's columns
 * @param slices blocks that share a tile's columns
 */
record ProductShape(int rows, int tilesOfBlock, int warps, int slices) {
    private static final int MANY = 16;
    private static final int MANY_WARPS = 4;

    /** The most rows for which warps share a tile. */
    private static final int FEW = 8;

    private static final int MOST_WARPS = 8;

    /** The most warps with one row, where panels are small enough for that. */
    private static final int MOST_WARPS_OF_ONE = 16;

    private static final int SMALL_PANEL = 176 * WeightLayout.TILE_ROWS;

    /** Columns that are worth a warp. */
    private static final int PANEL_COLUMNS = 256;

    /** Warps that are worth a block, where there are processors without one. */
    private static final int LEAST_WARPS = 4;

    /**
     * The kernel for some weights.
     *
     * @param limit the most rows of activations that share them
     * @param columns of the weights
     * @param tiles of all weights together, or of the weights of all places
     * @param processors of the device, of which none should be left without work
     */
    static ProductShape of(WeightLayout layout, int limit, int columns, long tiles, int processors) {
        long blocks = Math.ceilDiv(limit, MANY) * Math.ceilDiv(tiles, MANY_WARPS);
        if (limit > FEW && blocks >= processors) {
            return new ProductShape(MANY, MANY_WARPS, MANY_WARPS, 1);
        }
        int rows = limit == 1 ? 1 : Integer.highestOneBit(Math.min(limit, FEW) - 1) << 1;
        int panels = Math.max(1, Math.ceilDiv(columns, PANEL_COLUMNS));
        long free = processors / (Math.ceilDiv(limit, rows) * tiles);
        int slices = Math.clamp(free, 1, Math.max(1, Math.ceilDiv(panels, LEAST_WARPS)));
        // With many tiles, processors have two blocks of 8 warps at a time, with few one that is larger.
        boolean large = limit == 1 && tiles < 2L * processors && isSmall(layout);
        int warps = Math.clamp(Math.ceilDiv(panels, slices), 1, large ? MOST_WARPS_OF_ONE : MOST_WARPS);
        return new ProductShape(rows, 1, warps, slices);
    }

    private static boolean isSmall(WeightLayout layout) {
        return !layout.takesBlocks() || layout.panelBytes() <= SMALL_PANEL;
    }

    /** For places that come in lists: a block goes through one, and slices of columns would not know where the others are. */
    ProductShape withoutSlices() {
        return new ProductShape(rows, tilesOfBlock, warps, 1);
    }

    /** The kernel of a type. */
    String kernel(WeightLayout layout) {
        return layout.named("matmul") + "_" + rows;
    }
}
