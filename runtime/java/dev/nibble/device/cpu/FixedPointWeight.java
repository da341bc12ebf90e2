package dev.nibble.device.cpu;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.foreign.PosixMemory;
import dev.nibble.quant.affine.ChannelScales;

/** A weight to multiply by in integers, quantized once. */
final class FixedPointWeight implements Weight {
    private final FixedPointTiles tiles;
    private final WeightMemory.Part memory;
    private final ChannelScales[] matrices;

    private FixedPointWeight(FixedPointTiles tiles, WeightMemory.Part memory) {
        this.tiles = tiles;
        this.memory = memory;
        WeightShape shape = tiles.shape();
        this.matrices = new ChannelScales[shape.matrices()];
        for (int i = 0; i < matrices.length; i++) {
            matrices[i] = new ChannelScales(tiles.scales(), i * shape.rows(), shape.rows(), shape.columns());
        }
    }

    /** The memory that a weight takes, its scales and sums included. */
    static long bytes(WeightShape shape) {
        if (shape.columns() > ChannelScales.MOST_COLUMNS) {
            throw new UnsupportedFeatureException("tensor " + shape.name() + ": in fixed-point arithmetic rows have at"
                    + " most " + ChannelScales.MOST_COLUMNS + " columns, not " + shape.columns()
                    + "; use --arithmetic block-int8");
        }
        long rows = (long) shape.matrices() * shape.rows();
        return FixedPointTiles.bytes(shape) + rows * (Float.BYTES + Integer.BYTES) + ChannelScales.bytes(rows);
    }

    /** Quantizes a weight on all threads. */
    static FixedPointWeight load(WeightSource source, WorkerPool pool, WeightMemory memory) {
        WeightShape shape = source.shape();
        WeightMemory.Part data = memory.allocate(FixedPointTiles.bytes(shape), "the weight " + shape.name());
        try {
            FixedPointTiles tiles = FixedPointTiles.of(shape, data.segment());
            pool.run((begin, end, thread) -> pack(tiles, source, begin, end), PackedMatrix.tiles(shape));
            return new FixedPointWeight(tiles, data);
        } catch (RuntimeException | Error e) {
            data.close();
            throw e;
        }
    }

    /** Packs some tiles. Then the pages of a mapped file are given back, or the model would be resident twice. */
    private static void pack(FixedPointTiles tiles, WeightSource source, int begin, int end) {
        tiles.pack(source, begin, end);
        long first = tiles.rowOf(begin);
        if (source.rows(first, 1).isMapped()) {
            int count = Math.toIntExact(tiles.rowOf(end - 1) + tiles.rowsOf(end - 1) - first);
            PosixMemory.release(source.rows(first, count));
        }
    }

    FixedPointTiles tiles() {
        return tiles;
    }

    /** What brings the sums of a matrix to one unit. */
    ChannelScales scales(int matrix) {
        return matrices[matrix];
    }

    @Override
    public WeightShape shape() {
        return tiles.shape();
    }

    @Override
    public WeightUse use() {
        return WeightUse.MATRIX;
    }

    @Override
    public long bytes() {
        return bytes(shape());
    }

    @Override
    public void close() {
        memory.close();
    }
}
