package dev.nibble.device.cpu;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.quant.BlockFormat;
import dev.nibble.quant.affine.AffineParameters;
import dev.nibble.quant.affine.IntegerWidth;
import dev.nibble.quant.affine.Range;
import dev.nibble.quant.affine.Symmetry;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Weights as symmetric int8 with a scale for each row, in tiles of 32 rows: a word of four columns of each row, then the next
 * four. A byte is its integer plus 128, as {@link EightBitProducts} reads them; columns are filled up to whole blocks with zeros.
 *
 * @param shape the weights
 * @param data the tiles; begins on a multiple of 64 bytes
 * @param scales (matrices × rows): of each row
 * @param sums (matrices × rows): the sum of each row's integers
 */
record FixedPointTiles(WeightShape shape, MemorySegment data, float[] scales, int[] sums) {
    /** Columns of a block. */
    static final int BLOCK = QuantizedRows.BLOCK;

    private static final int ROWS = PackedMatrix.TILE_ROWS;
    private static final int ZEROS = 0x80808080;
    private static final int ZERO = 128;

    /** Tiles for a weight, not packed yet. */
    static FixedPointTiles of(WeightShape shape, MemorySegment data) {
        int rows = Math.multiplyExact(shape.matrices(), shape.rows());
        return new FixedPointTiles(shape, data, new float[rows], new int[rows]);
    }

    /** Bytes of all tiles. */
    static long bytes(WeightShape shape) {
        return (long) PackedMatrix.tiles(shape) * tileBytes(shape);
    }

    /** Bytes of a tile. */
    static int tileBytes(WeightShape shape) {
        return Math.toIntExact((long) ROWS * blocks(shape) * BLOCK);
    }

    /** Blocks of 32 columns. */
    static int blocks(WeightShape shape) {
        return Math.ceilDiv(shape.columns(), BLOCK);
    }

    /** The memory of a tile, counted through all matrices. */
    MemorySegment tile(int tile) {
        return data.asSlice((long) tile * tileBytes(shape), tileBytes(shape));
    }

    /** The first row of a tile, counted in its matrix. */
    int firstRowOf(int tile) {
        return tile % PackedMatrix.tilesPerMatrix(shape) * ROWS;
    }

    /** The number of rows in a tile; those of a matrix's last tile may be fewer than 32. */
    int rowsOf(int tile) {
        return Math.min(ROWS, shape.rows() - firstRowOf(tile));
    }

    /** The first row of a tile, counted through all matrices. */
    long rowOf(int tile) {
        return (long) tile / PackedMatrix.tilesPerMatrix(shape) * shape.rows() + firstRowOf(tile);
    }

    /** Decodes, quantizes and packs tiles. Threads may pack different tiles at the same time. */
    void pack(WeightSource source, int firstTile, int endTile) {
        int[] words = new int[tileBytes(shape) / Integer.BYTES];
        float[] reals = new float[shape.columns()];
        float[] integers = new float[blocks(shape) * BLOCK];
        BlockFormat format = BlockFormat.of(shape.type());
        for (int tile = firstTile; tile < endTile; tile++) {
            Arrays.fill(words, ZEROS);
            MemorySegment rows = source.rows(rowOf(tile), rowsOf(tile));
            for (int row = 0; row < rowsOf(tile); row++) {
                format.decode(rows, row * shape.rowBytes(), reals, 0, reals.length);
                quantize((int) rowOf(tile) + row, reals, integers);
                for (int word = 0; word < integers.length / 4; word++) {
                    words[word * ROWS + row] = word(integers, 4 * word);
                }
            }
            MemorySegment.copy(words, 0, tile(tile), ValueLayout.JAVA_INT, 0, words.length);
        }
    }

    private void quantize(int row, float[] reals, float[] integers) {
        Range range = AffineVectors.range(reals, reals.length)
                .orElseThrow(() -> new UnsupportedFeatureException("tensor " + shape.name() + ", row " + row
                        + " holds NaN or infinity, which have no integer, so the weight cannot be computed with in"
                        + " fixed-point arithmetic"));
        AffineParameters mapping = AffineParameters.of(range, Symmetry.SYMMETRIC, IntegerWidth.INT8);
        AffineVectors.quantize(mapping, reals, 0, reals.length, integers, 0);
        int sum = 0;
        for (float integer : integers) {
            sum += (int) integer;
        }
        scales[row] = mapping.scale();
        sums[row] = sum;
    }

    private static int word(float[] integers, int at) {
        return (int) integers[at] + ZERO
                | (int) integers[at + 1] + ZERO << 8
                | (int) integers[at + 2] + ZERO << 16
                | (int) integers[at + 3] + ZERO << 24;
    }
}
