package dev.nibble.device.cpu;

import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;

/** A table whose rows are looked up one at a time: it stays where it is, in the mapped file, and takes no memory of its own. */
final class TableWeight implements Weight {
    private final WeightSource source;
    private final BlockFormat format;
    private volatile boolean closed;

    TableWeight(WeightSource source) {
        this.source = source;
        this.format = BlockFormat.of(source.shape().type());
    }

    /** Decodes a row. */
    void decode(int row, float[] values) {
        if (closed) {
            throw new IllegalStateException(source.shape().name() + " is closed");
        }
        if (row < 0 || row >= source.shape().rows()) {
            throw new IndexOutOfBoundsException("row " + row + " of " + source.shape());
        }
        MemorySegment blocks = source.rows(row, 1);
        format.decode(blocks, 0, values, 0, source.shape().columns());
    }

    @Override
    public WeightShape shape() {
        return source.shape();
    }

    @Override
    public WeightUse use() {
        return WeightUse.TABLE;
    }

    @Override
    public long bytes() {
        return 0;
    }

    @Override
    public void close() {
        closed = true;
    }
}
