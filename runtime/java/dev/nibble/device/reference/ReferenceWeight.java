package dev.nibble.device.reference;

import dev.nibble.device.Arithmetic;
import dev.nibble.device.Weight;
import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.device.WeightUse;
import dev.nibble.quant.BlockFormat;
import dev.nibble.quant.affine.AffineParameters;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A weight that stays where its source keeps it; rows are decoded when they are used. */
final class ReferenceWeight implements Weight {
    private final ReferenceDevice device;
    private final WeightShape shape;
    private final WeightUse use;
    private final BlockFormat format;
    private volatile @Nullable WeightSource source;
    private final @Nullable FixedPointChannels channels;

    ReferenceWeight(ReferenceDevice device, WeightSource source, WeightUse use, Arithmetic arithmetic) {
        this.device = device;
        this.source = source;
        this.use = use;
        shape = source.shape();
        format = BlockFormat.of(shape.type());
        boolean quantized = arithmetic == Arithmetic.FIXED_POINT && use == WeightUse.MATRIX;
        channels = quantized ? FixedPointChannels.of(shape, this::decode) : null;
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

    /** Whether products with this weight are computed in {@link Arithmetic#FIXED_POINT}. */
    boolean isFixedPoint() {
        return channels != null;
    }

    /** How its rows are quantized, if it is a fixed-point weight. */
    FixedPointChannels channels() {
        return Objects.requireNonNull(channels);
    }

    /** Quantizes row {@code row} of all matrices to {@code shape().columns()} integers. */
    void quantize(long row, byte[] integers) {
        float[] values = new float[shape.columns()];
        decode(row, values);
        AffineParameters mapping = channels().rows()[(int) row];
        for (int i = 0; i < values.length; i++) {
            integers[i] = (byte) mapping.quantize(values[i]);
        }
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
