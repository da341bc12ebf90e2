package dev.nibble.model;

import dev.nibble.device.WeightShape;
import dev.nibble.device.WeightSource;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * The first rows of each head of a tensor, each head's matrix turned round: rows become columns. Blocks of quantized types lie along
 * rows, so that the values are decoded; they are given as floats, of 16 bits where the file has no more than those or fewer than 8.
 */
final class TurnedHeads implements WeightSource {
    private final WeightShape shape;
    private final WeightSource whole;
    private final int period;

    /** The head that was asked for last: devices ask for its rows one after another. */
    private volatile @Nullable Head last;

    /** @param values (columns of the shape, rows of the shape) */
    private record Head(long number, float[] values) {}

    /**
     * The heads, none decoded yet.
     *
     * @param shape (heads) × (columns of the whole, rows taken of a head), of any type
     * @param period rows of a head in the whole
     */
    TurnedHeads(WeightShape shape, WeightSource whole, int period) {
        this.shape = new WeightShape(
                shape.name(), floats(whole.shape().type()), shape.matrices(), shape.rows(), shape.columns());
        this.whole = whole;
        this.period = period;
    }

    @Override
    public WeightShape shape() {
        return shape;
    }

    @Override
    public WeightShape stored() {
        return whole.stored();
    }

    @Override
    public MemorySegment rows(long firstRow, int count) {
        MemorySegment rows = MemorySegment.ofArray(new byte[Math.toIntExact(count * shape.rowBytes())]);
        long at = 0;
        for (int i = 0; i < count; i++) {
            float[] head = head((firstRow + i) / shape.rows());
            int row = (int) ((firstRow + i) % shape.rows());
            for (int column = 0;
                    column < shape.columns();
                    column++, at += shape.type().blockBytes()) {
                float value = head[column * shape.rows() + row];
                if (shape.type() == TensorType.F16) {
                    rows.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(value));
                } else {
                    rows.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, value);
                }
            }
        }
        return rows;
    }

    private static TensorType floats(TensorType type) {
        return switch (type) {
            case F32, BF16, Q8_0 -> TensorType.F32;
            default -> TensorType.F16;
        };
    }

    private float[] head(long number) {
        Head known = last;
        if (known == null || known.number() != number) {
            float[] values = new float[shape.rows() * shape.columns()];
            BlockFormat format = BlockFormat.of(whole.shape().type());
            format.decode(whole.rows(number * period, shape.columns()), 0, values, 0, values.length);
            known = new Head(number, values);
            last = known;
        }
        return known.values();
    }
}
