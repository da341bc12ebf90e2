package dev.nibble.device.cuda;

import dev.nibble.device.Activation;
import dev.nibble.device.WeightShape;
import dev.nibble.device.kernel.GatedProducts;

/** The launch that does two products and their gate for one row, or for few places of experts: {@code gated.cu}. */
final class GatedLaunches {
    private static final int WARP = 32;

    /** Warps that share the columns of a tile of one of the weights: {@code MOST_SPLITS} of {@code gated.cu}. */
    private static final int MOST_SPLITS = 4;

    /** Columns that are worth a warp. */
    private static final int PANEL_COLUMNS = 256;

    private final CudaPlan plan;

    GatedLaunches(CudaPlan plan) {
        this.plan = plan;
    }

    /** Plans products and what follows them; false if there is no kernel for these. */
    boolean gated(GatedProducts products) {
        int used = products.ids() == null ? 1 : products.ids().width();
        int places = products.rows().limit() * used;
        if (places > (products.ids() == null ? 1 : ProductLaunches.FEW_PLACES) || !alike(products)) {
            return false;
        }
        CudaWeight first = (CudaWeight) products.first().weight();
        CudaWeight second = (CudaWeight) products.second().weight();
        WeightShape shape = first.shape();
        String kernel = first.layout().named("gated");
        CudaLaunchBuilder launch = plan.kernel(kernel, kernel)
                .buffer(products.rows().live())
                .buffer(products.ids())
                .integer(used)
                .integer(shape.matrices());
        if (first.layout().takesBlocks()) {
            launch.quantized(products.quantized());
        } else {
            launch.buffer(products.x()).memory(null);
        }
        boolean inPlace = products.gate().out() == products.gate().gate();
        launch.integer(products.x().width() == shape.columns() ? used : 1)
                .integer(shape.columns())
                .memory(first.memory())
                .buffer(products.first().bias())
                .buffer(inPlace ? null : products.gate().gate())
                .memory(second.memory())
                .buffer(products.second().bias())
                .buffer(products.gate().up())
                .integer(shape.rows())
                .integer(products.gate().activation() == Activation.GELU ? 1 : 0)
                .buffer(products.gate().out())
                .quantized(
                        products.quantize() == null ? null : products.quantize().out())
                .grid(places, first.tiles(), 1, WARP, 2 * splits(shape.columns()));
        return true;
    }

    private static int splits(int columns) {
        return Math.clamp(Math.ceilDiv(columns, PANEL_COLUMNS), 1, MOST_SPLITS);
    }

    /** Whether the weights have one layout and one shape, and whole blocks of results are quantized. */
    private static boolean alike(GatedProducts products) {
        CudaWeight first = (CudaWeight) products.first().weight();
        CudaWeight second = (CudaWeight) products.second().weight();
        return first.layout() == second.layout()
                && first.shape().rows() == second.shape().rows()
                && first.shape().matrices() == second.shape().matrices()
                && (products.quantize() == null || first.shape().rows() % WARP == 0);
    }
}
