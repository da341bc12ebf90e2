package dev.nibble.device.opencl;

/**
 * How products are cut into work-items. A CPU runs one work-item after another, each with vectors of 16 rows and with as many tokens as
 * its caches hold results of. Elsewhere a work-item has one row, and keeps the results of a few tokens in registers; for few tokens
 * several work-items share a row.
 *
 * @param lanes rows that a work-item computes side by side
 * @param items work-items of a group that have rows of their own
 * @param tokens the most tokens of a work-item
 * @param splits work-items that share a row where there are no more tokens than one work-item has; a power of two
 */
record ProductShape(int lanes, int items, int tokens, int splits) {
    private static final ProductShape CPU = new ProductShape(16, 1, 64, 1);
    private static final int MOST_TOKENS = 16;
    private static final int FEW_TOKENS = 8;
    private static final int MOST_SPLITS = 8;

    /** A kernel for a number of tokens. */
    record Variant(ProductShape shape, int tokens, int splits) {
        /** Build options. */
        String options(WeightLayout layout) {
            return layout.options() + " -DLANES=" + shape.lanes + " -DTOKENS=" + tokens + " -DSPLITS=" + splits;
        }
    }

    static ProductShape of(DeviceTraits device) {
        if (device.isCpu() || device.mostWorkItems() < PanelLines.ROWS) {
            return CPU;
        }
        int splits = Math.min(MOST_SPLITS, Integer.highestOneBit(device.mostWorkItems()) / PanelLines.ROWS);
        return new ProductShape(1, PanelLines.ROWS, MOST_TOKENS, splits);
    }

    /** The kernel for at most this many tokens. */
    Variant variant(int limit) {
        if (limit == 1) {
            return new Variant(this, 1, splits);
        }
        boolean few = limit <= FEW_TOKENS && splits > 1;
        return few ? new Variant(this, FEW_TOKENS, splits) : new Variant(this, tokens, 1);
    }
}
