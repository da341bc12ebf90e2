package dev.nibble.device.cpu;

import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;

/**
 * Products with weights that are kept in the blocks of the file: a chunk of columns of a tile is decoded to floats, and lanes run
 * along the columns.
 */
final class DecodedProducts {
    private static final int ROWS = PackedMatrix.TILE_ROWS;

    /** Columns that are decoded at once, a multiple of all block lengths. */
    private static final int CHUNK = 512;

    private static final int BLOCK = QuantizedRows.BLOCK;

    private static final ThreadLocal<float[]> WEIGHTS = ThreadLocal.withInitial(() -> new float[ROWS * CHUNK]);
    private static final ThreadLocal<float[]> INPUTS = ThreadLocal.withInitial(() -> new float[4 * CHUNK]);

    private DecodedProducts() {}

    /** Adds the products of a tile to the workspace's results, (token, row). */
    static void multiply(TiledProduct product, int tile, TileWorkspace workspace) {
        PackedMatrix weight = product.weight();
        MemorySegment blocks = weight.tile(tile);
        TensorType type = weight.shape().type();
        BlockFormat format = BlockFormat.of(type);
        float[] weights = WEIGHTS.get();
        int columns = weight.shape().columns();
        for (int column = 0; column < columns; column += CHUNK) {
            int count = Math.min(CHUNK, columns - column);
            for (int row = 0; row < weight.rowsOf(tile); row++) {
                long from = row * weight.shape().rowBytes() + type.rowBytes(column);
                format.decode(blocks, from, weights, row * CHUNK, count);
            }
            multiplyChunk(product, column, count, weights, workspace.results);
        }
    }

    private static void multiplyChunk(TiledProduct product, int column, int count, float[] weights, float[] results) {
        float[] x = INPUTS.get();
        RowSelection selection = product.selection();
        for (int token = 0; token < selection.count(); token += 4) {
            int tokens = Math.min(4, selection.count() - token);
            for (int t = 0; t < tokens; t++) {
                read(product, selection.input(token + t), column, count, x, t * CHUNK);
            }
            for (int row = 0; row < ROWS; row += 4) {
                for (int t = 0; t < tokens; t++) {
                    dot(weights, row * CHUNK, x, t * CHUNK, count, results, (token + t) * ROWS + row);
                }
            }
        }
    }

    /** Reads activations: floats as they are, quantized ones as integer times scale. */
    private static void read(TiledProduct product, int row, int column, int count, float[] x, int at) {
        if (product.weight().shape().takesFloats()) {
            FloatRows floats = Objects.requireNonNull(product.floats()).rows();
            long from = floats.offset(row) + (long) column * Float.BYTES;
            MemorySegment.copy(floats.segment(), ValueLayout.JAVA_FLOAT, from, x, at, count);
            return;
        }
        QuantizedRows quantized = Objects.requireNonNull(product.quantized()).vectors();
        int from = row * quantized.columns() + column;
        for (int i = 0; i < count; i++) {
            x[at + i] = quantized.integers[from + i] * quantized.scales[(from + i) / BLOCK];
        }
    }

    /** Adds the dot products of four rows of weights with one of activations. */
    private static void dot(float[] weights, int at, float[] x, int xAt, int count, float[] results, int to) {
        FloatVector sum0 = FloatVector.zero(Lanes.FLOATS), sum1 = sum0, sum2 = sum0, sum3 = sum0;
        int end = Lanes.FLOATS.loopBound(count);
        for (int i = 0; i < end; i += Lanes.COUNT) {
            FloatVector v = FloatVector.fromArray(Lanes.FLOATS, x, xAt + i);
            sum0 = v.fma(FloatVector.fromArray(Lanes.FLOATS, weights, at + i), sum0);
            sum1 = v.fma(FloatVector.fromArray(Lanes.FLOATS, weights, at + CHUNK + i), sum1);
            sum2 = v.fma(FloatVector.fromArray(Lanes.FLOATS, weights, at + 2 * CHUNK + i), sum2);
            sum3 = v.fma(FloatVector.fromArray(Lanes.FLOATS, weights, at + 3 * CHUNK + i), sum3);
        }
        float rest0 = 0;
        float rest1 = 0;
        float rest2 = 0;
        float rest3 = 0;
        for (int i = end; i < count; i++) {
            rest0 += x[xAt + i] * weights[at + i];
            rest1 += x[xAt + i] * weights[at + CHUNK + i];
            rest2 += x[xAt + i] * weights[at + 2 * CHUNK + i];
            rest3 += x[xAt + i] * weights[at + 3 * CHUNK + i];
        }
        results[to] += VectorMath.sum(sum0) + rest0;
        results[to + 1] += VectorMath.sum(sum1) + rest1;
        results[to + 2] += VectorMath.sum(sum2) + rest2;
        results[to + 3] += VectorMath.sum(sum3) + rest3;
    }
}
