package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.device.WeightShape;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.affine.AffineParameters;
import dev.nibble.quant.affine.IntegerWidth;
import dev.nibble.quant.affine.Range;
import dev.nibble.quant.affine.Symmetry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sums of products of int8 in vectors against plain ones. */
class FixedPointProductsTest {
    private static final int ROWS = 33;
    private static final int INPUTS = 6;

    /** (rows, columns): what {@link AffineParameters} makes of each row. */
    private static int[] quantized(float[] reals, int columns, Symmetry symmetry) {
        int[] integers = new int[reals.length];
        for (int row = 0; row < reals.length; row += columns) {
            AffineParameters mapping = AffineParameters.of(Range.of(reals, row, columns), symmetry, IntegerWidth.INT8);
            for (int i = row; i < row + columns; i++) {
                integers[i] = mapping.quantize(reals[i]);
            }
        }
        return integers;
    }

    private static FixedPointTiles packed(RandomWeights weights) {
        WeightShape shape = weights.shape();
        MemorySegment data = Arena.ofAuto().allocate(FixedPointTiles.bytes(shape), 64);
        FixedPointTiles tiles = FixedPointTiles.of(shape, data);
        tiles.pack(weights, 0, PackedMatrix.tiles(shape));
        return tiles;
    }

    private static FixedPointRows rows(float[] reals, int columns) {
        FixedPointRows rows = new FixedPointRows(1, columns);
        int count = reals.length / columns;
        rows.reserve(count);
        MemorySegment x = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, reals);
        for (int row = 0; row < count; row++) {
            rows.quantize(x, (long) row * columns * Float.BYTES, row);
        }
        return rows;
    }

    /** Compares the sums of one input and of several, in this process's vectors. */
    static void compare(int columns) {
        WeightShape shape = new WeightShape("w", TensorType.F32, 1, ROWS, columns);
        RandomWeights weights = RandomWeights.of(shape, columns);
        float[] x = new float[INPUTS * columns];
        Random random = new Random(columns);
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) (random.nextGaussian() + 0.5);
        }
        compare(packed(weights), quantized(weights.decoded(), columns, Symmetry.SYMMETRIC), x);
    }

    private static void compare(FixedPointTiles tiles, int[] w, float[] reals) {
        int columns = tiles.shape().columns();
        FixedPointRows x = rows(reals, columns);
        int[] integers = quantized(reals, columns, Symmetry.ASYMMETRIC);
        for (int tile = 0; tile < PackedMatrix.tiles(tiles.shape()); tile++) {
            int[] several = new int[(INPUTS + 3) * PackedMatrix.TILE_ROWS];
            Arrays.fill(several, 99);
            RowSelection selection = RowSelection.first(INPUTS);
            TileWorkspace workspace = TileWorkspace.forTokens(TileWorkspace.TOKENS);
            int blocks = FixedPointTiles.blocks(tiles.shape());
            FixedPointProducts.several(tiles.tile(tile), blocks, x, selection, workspace, several);
            for (int input = 0; input < INPUTS; input++) {
                int[] one = new int[PackedMatrix.TILE_ROWS];
                Arrays.fill(one, 99);
                int at = x.at(input) / 4 * FixedPointRows.COEFFICIENTS;
                FixedPointProducts.one(tiles.tile(tile), blocks * 8, x.coefficients, at, one);
                for (int row = 0; row < tiles.rowsOf(tile); row++) {
                    int weight = (tiles.firstRowOf(tile) + row) * columns;
                    int sum = 0;
                    for (int i = 0; i < columns; i++) {
                        sum += w[weight + i] * integers[input * columns + i];
                    }
                    String place = columns + " columns, row " + weight / columns + ", input " + input;
                    assertEquals(sum, one[row], place + " alone");
                    assertEquals(sum, several[input * PackedMatrix.TILE_ROWS + row], place);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 31, 32, 33, 255, 256, 257, 288, 1000, 4128})
    void sumsOfAnyNumberOfColumns(int columns) {
        compare(columns);
    }

    /** Rows as long as 32 bits allow, of the largest products. */
    @Test
    void theLargestSums() {
        int columns = 66_304;
        WeightShape shape = new WeightShape("w", TensorType.F32, 1, 2, columns);
        float[] values = new float[2 * columns];
        Arrays.fill(values, 0, columns, 1);
        Arrays.fill(values, columns, 2 * columns, -1);
        MemorySegment bytes = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, values);
        float[] x = new float[INPUTS * columns];
        for (int i = 0; i < x.length; i++) {
            // Rows of the greatest, of the least, and of both.
            x[i] = i < columns || i / columns > 1 && i % 2 == 0 ? 1 : -1;
        }
        compare(packed(new RandomWeights(shape, bytes)), quantized(values, columns, Symmetry.SYMMETRIC), x);
    }

    @Test
    void sumsOfWeightsAreThoseOfTheirIntegers() {
        RandomWeights weights = RandomWeights.of(new WeightShape("w", TensorType.Q4_K, 3, 40, 512), 1);
        FixedPointTiles tiles = packed(weights);
        int[] integers = quantized(weights.decoded(), 512, Symmetry.SYMMETRIC);
        int[] sums = new int[120];
        for (int i = 0; i < integers.length; i++) {
            sums[i / 512] += integers[i];
        }
        assertArrayEquals(sums, tiles.sums());
    }
}
