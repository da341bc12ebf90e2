package dev.nibble.device.cpu;

import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.quant.BlockFormat;

/** A weight to multiply by. */
final class MatrixWeight implements Weight {
    private final WeightSource source;
    private final BlockFormat format;

    MatrixWeight(WeightSource source) {
        this.source = source;
        this.format = BlockFormat.of(source.shape().type());
    }

    static long bytes(WeightShape shape) {
        return 0;
    }

    /** Decodes a row, counted through all matrices. */
    void decode(long row, float[] values) {
        format.decode(source.rows(row, 1), 0, values, 0, shape().columns());
    }

    @Override
    public WeightShape shape() {
        return source.shape();
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
    public void close() {}
}
