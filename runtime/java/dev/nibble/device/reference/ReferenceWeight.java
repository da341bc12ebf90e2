package dev.nibble.device.reference;

import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.quant.BlockFormat;
import org.jspecify.annotations.Nullable;

/** A weight that stays where its source keeps it; rows are decoded when they are used. */
final class ReferenceWeight implements Weight {
    private final ReferenceDevice device;
    private final WeightShape shape;
    private final WeightUse use;
    private final BlockFormat format;
    private volatile @Nullable WeightSource source;

    ReferenceWeight(ReferenceDevice device, WeightSource source, WeightUse use) {
        this.device = device;
        this.source = source;
        this.use = use;
        shape = source.shape();
        format = BlockFormat.of(shape.type());
    }

    @Override
    public WeightShape shape() {
        return shape;
    }

    @Override
    public WeightUse use() {
        return use;
    }

    @Override
    public long bytes() {
        return shape.bytes();
    }

    /** Decodes row {@code row} of all matrices to {@code shape().columns()} values. */
    void decode(long row, float[] values) {
        WeightSource rows = source;
        if (rows == null) {
            throw new IllegalStateException("weight " + shape.name() + " is closed");
        }
        format.decode(rows.rows(row, 1), 0, values, 0, shape.columns());
    }

    @Override
    public void close() {
        source = null;
        device.forget(this);
    }

    ReferenceDevice device() {
        return device;
    }
}
