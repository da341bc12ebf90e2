package dev.nibble.device.cpu;

import dev.nibble.quant.affine.ChannelScales;
import dev.nibble.quant.affine.OutputScale;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A product of activations with one matrix of a weight in integers. It takes two passes, since the scale of an output row follows
 * from all its sums: the first leaves the sums, brought to the unit of the matrix, where the outputs will be; the second
 * requantizes them there. In a pass, threads may compute different tiles at the same time.
 *
 * @param weight the weight
 * @param matrix which of its matrices
 * @param x (any, columns)
 * @param selection which inputs and outputs take part
 * @param out (any, weight rows)
 * @param bias (1, weight rows), or none
 */
record FixedPointProduct(
        FixedPointWeight weight,
        int matrix,
        FixedPointRows x,
        RowSelection selection,
        FloatRows out,
        @Nullable MemorySegment bias) {
    private static final int ROWS = PackedMatrix.TILE_ROWS;

    private static final ThreadLocal<int[]> SUMS = ThreadLocal.withInitial(() -> new int[ROWS]);
    private static final ThreadLocal<float[]> VALUES = ThreadLocal.withInitial(() -> new float[ROWS]);

    /** Tiles of the matrix. */
    int tiles() {
        return PackedMatrix.tilesPerMatrix(weight.shape());
    }

    /**
     * The first pass.
     *
     * @param ends (input, 2): is brought to the least and greatest of the sums of each input and of what it holds
     * @param at where the ends of the first input lie
     */
    void sum(int firstTile, int endTile, int[] ends, int at) {
        int inputs = selection.count();
        int[] sums = sums(Math.ceilDiv(inputs, TileWorkspace.TOKENS) * TileWorkspace.TOKENS * ROWS);
        TileWorkspace workspace = TileWorkspace.forTokens(TileWorkspace.TOKENS);
        int blocks = FixedPointTiles.blocks(weight.shape());
        for (int tile = firstTile; tile < endTile; tile++) {
            MemorySegment memory = weight.tiles().tile(matrix * tiles() + tile);
            if (inputs == 1) {
                int coefficients = x.at(selection.input(0)) / 4 * FixedPointRows.COEFFICIENTS;
                FixedPointProducts.one(memory, blocks * FixedPointTiles.BLOCK / 4, x.coefficients, coefficients, sums);
            } else {
                FixedPointProducts.several(memory, blocks, x, selection, workspace, sums);
            }
            for (int i = 0; i < inputs; i++) {
                toUnit(tile, i, sums, ends, at + 2 * i);
            }
        }
    }

    private static int[] sums(int count) {
        int[] sums = SUMS.get();
        if (sums.length < count) {
            sums = new int[count];
            SUMS.set(sums);
        }
        return sums;
    }

    private void toUnit(int tile, int input, int[] sums, int[] ends, int end) {
        int first = weight.tiles().firstRowOf(tile);
        int rows = weight.tiles().rowsOf(tile);
        int firstSum = matrix * weight.shape().rows() + first;
        int[] weightSums = weight.tiles().sums();
        ChannelScales scales = weight.scales(matrix);
        int zeroPoint = x.zeroPoint(selection.input(input));
        int least = ends[end];
        int greatest = ends[end + 1];
        int begin = input * ROWS;
        for (int row = 0; row < rows; row++) {
            sums[begin + row] -= zeroPoint * weightSums[firstSum + row];
        }
        scales.toUnits(first, sums, begin, rows);
        for (int i = begin; i < begin + rows; i++) {
            least = Math.min(least, sums[i]);
            greatest = Math.max(greatest, sums[i]);
        }
        ends[end] = least;
        ends[end + 1] = greatest;
        MemorySegment.copy(sums, input * ROWS, out.segment(), ValueLayout.JAVA_INT, at(input, first), rows);
    }

    private long at(int input, int row) {
        return out.offset(selection.output(input)) + (long) row * Float.BYTES;
    }

    /** The scale of an output row, from the ends of its sums; none if its input held a value that is no finite number. */
    @Nullable
    OutputScale scale(int input, int least, int greatest) {
        float step = x.scale(selection.input(input));
        return Float.isNaN(step)
                ? null
                : OutputScale.of(least, greatest, weight.scales(matrix).unit() * step);
    }

    /**
     * The second pass.
     *
     * @param scales of the inputs
     * @param at where that of the first input is
     */
    void requantize(int firstTile, int endTile, @Nullable OutputScale[] scales, int at) {
        for (int tile = firstTile; tile < endTile; tile++) {
            for (int i = 0; i < selection.count(); i++) {
                requantize(tile, i, scales[at + i]);
            }
        }
    }

    private void requantize(int tile, int input, @Nullable OutputScale scale) {
        int first = weight.tiles().firstRowOf(tile);
        int rows = weight.tiles().rowsOf(tile);
        long at = at(input, first);
        // On arrays, which the compiler knows to lie apart.
        int[] sums = sums(ROWS);
        float[] values = VALUES.get();
        if (scale == null) {
            Arrays.fill(values, Float.NaN);
        } else {
            MemorySegment.copy(out.segment(), ValueLayout.JAVA_INT, at, sums, 0, rows);
            scale.requantize(sums, values, rows);
        }
        for (int row = 0; bias != null && row < rows; row++) {
            values[row] += bias.getAtIndex(ValueLayout.JAVA_FLOAT, first + row);
        }
        MemorySegment.copy(values, 0, out.segment(), ValueLayout.JAVA_FLOAT, at, rows);
    }
}
