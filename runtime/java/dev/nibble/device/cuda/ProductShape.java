package dev.nibble.device.cuda;

/**
 * How products are cut into blocks of threads: the variants of {@code cuda-kernels/matmul.cu}.
 *
 * @param rows rows of activations that a block works on at a time, which the kernel is named by
 * @param tilesOfBlock tiles of weights of a block
 * @param warps of a block: one for each tile, or as many as share a tile's columns
 */
record ProductShape(int rows, int tilesOfBlock, int warps) {
    private static final int MANY = 16;
    private static final int MANY_WARPS = 4;

    /** The most rows for which warps share a tile. */
    private static final int FEW = 8;

    private static final int MOST_SPLITS = 8;

    /** Columns that are worth a warp. */
    private static final int PANEL_COLUMNS = 256;

    /**
     * The kernel for some weights.
     *
     * @param limit the most rows of activations that share them
     * @param columns of the weights
     * @param tiles of all weights together
     * @param processors of the device: a kernel for many rows has few blocks, which must not leave some without
     */
    static ProductShape of(int limit, int columns, long tiles, int processors) {
        long blocks = Math.ceilDiv(limit, MANY) * Math.ceilDiv(tiles, MANY_WARPS);
        if (limit > FEW && blocks >= processors) {
            return new ProductShape(MANY, MANY_WARPS, MANY_WARPS);
        }
        int rows = limit == 1 ? 1 : Integer.highestOneBit(Math.min(limit, FEW) - 1) << 1;
        return new ProductShape(rows, 1, Math.clamp(Math.ceilDiv(columns, PANEL_COLUMNS), 1, MOST_SPLITS));
    }

    /** The kernel of a type. */
    String kernel(WeightLayout layout) {
        return layout.named("matmul") + "_" + rows;
    }
}
