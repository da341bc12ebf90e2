package dev.nibble.device.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/**
 * A product of activations with packed weights, out = x · weightᵀ (+ bias), computed tile by tile: threads may compute different
 * tiles at the same time, and tiles of several products in any order.
 *
 * @param weight (rows, columns)
 * @param quantized (any, columns), for weights of integers
 * @param floats (any, columns), for weights of F32, F16 and BF16
 * @param selection which rows of activations and results take part
 * @param out (any, weight rows)
 * @param bias (1, weight rows), or none
 */
record TiledProduct(
        PackedMatrix weight,
        @Nullable QuantizedActivations quantized,
        @Nullable FloatActivations floats,
        RowSelection selection,
        FloatRows out,
        @Nullable MemorySegment bias) {
    private static final int ROWS = PackedMatrix.TILE_ROWS;

    /** Tiles times tokens of a native call: the virtual machine cannot pause the program in one, so each is short. */
    private static final int TOKEN_TILES = 64;

    /** Checks that the activations are those that the weight needs. */
    TiledProduct {
        if (weight.shape().takesFloats() ? floats == null : quantized == null) {
            throw new IllegalArgumentException(weight.shape().name() + " of type "
                    + weight.shape().type() + " is multiplied by " + (floats == null ? "floats" : "quantized rows"));
        }
        if (quantized != null && quantized.columns() != weight.shape().columns()) {
            throw new IllegalArgumentException(weight.shape().name() + " has "
                    + weight.shape().columns() + " columns, the activations " + quantized.columns());
        }
    }

    /** Computes the results of tiles {@code firstTile} … {@code endTile - 1}. */
    void compute(int firstTile, int endTile) {
        ByteRows bytes =
                quantized == null ? null : quantized.bytesFor(weight.shape().type());
        NativeKernels kernels = bytes != null ? bytes.kernels() : floats != null ? floats.kernels() : null;
        if (kernels == null) {
            computeWithVectors(firstTile, endTile);
            return;
        }
        int atOnce = Math.max(1, TOKEN_TILES / selection.count());
        int matrix = PackedMatrix.tilesPerMatrix(weight.shape());
        int end;
        for (int tile = firstTile; tile < endTile; tile = end) {
            int endOfMatrix = tile - tile % matrix + matrix;
            end = Math.min(Math.min(tile + atOnce, endOfMatrix), endTile);
            if (bytes != null) {
                kernels.products().multiply(this, bytes, tile, end);
            } else {
                kernels.products().multiplyFloats(this, tile, end);
            }
        }
    }

    private void computeWithVectors(int firstTile, int endTile) {
        TileLayout layout = PackedMatrix.layoutFor(weight.shape().type()).orElse(null);
        TileWorkspace workspace = TileWorkspace.forTokens(selection.count());
        for (int tile = firstTile; tile < endTile; tile++) {
            workspace.clear(selection.count());
            if (layout == null) {
                DecodedProducts.multiply(this, tile, workspace);
            } else {
                PanelProducts.multiply(layout, this, weight.tile(tile), workspace);
            }
            write(tile, workspace.results);
        }
    }

    private void write(int tile, float[] results) {
        int first = weight.firstRowOf(tile);
        int rows = weight.rowsOf(tile);
        for (int i = 0; i < selection.count(); i++) {
            if (bias != null) {
                for (int row = 0; row < rows; row++) {
                    results[i * ROWS + row] += bias.getAtIndex(ValueLayout.JAVA_FLOAT, first + row);
                }
            }
            long to = out.offset(selection.output(i)) + (long) first * Float.BYTES;
            if (rows == ROWS) {
                for (int row = 0; row < ROWS; row += Lanes.COUNT) {
                    FloatVector.fromArray(Lanes.FLOATS, results, i * ROWS + row)
                            .intoMemorySegment(out.segment(), to + row * (long) Float.BYTES, Lanes.ORDER);
                }
            } else {
                MemorySegment.copy(results, i * ROWS, out.segment(), ValueLayout.JAVA_FLOAT, to, rows);
            }
        }
    }
}
