package dev.nibble.device.cpu;

import dev.nibble.device.Buffer;
import dev.nibble.device.NormKind;
import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** {@link Operation.Norm} and {@link Operation.AddNorm}. */
final class NormRow implements RowWork {
    private final NormKind kind;
    private final float epsilon;
    private final @Nullable CpuBuffer delta;
    private final CpuBuffer x;
    private final CpuBuffer weight;
    private final @Nullable CpuBuffer bias;
    private final CpuBuffer out;

    NormRow(Operation.Norm norm) {
        this(norm.kind(), norm.epsilon(), null, norm.x(), norm.weight(), norm.bias(), norm.out());
    }

    NormRow(Operation.AddNorm norm) {
        this(norm.kind(), norm.epsilon(), norm.delta(), norm.residual(), norm.weight(), norm.bias(), norm.out());
    }

    private NormRow(
            NormKind kind,
            float epsilon,
            @Nullable Buffer delta,
            Buffer x,
            Buffer weight,
            @Nullable Buffer bias,
            Buffer out) {
        this.kind = kind;
        this.epsilon = epsilon;
        this.delta = (CpuBuffer) delta;
        this.x = (CpuBuffer) x;
        this.weight = (CpuBuffer) weight;
        this.bias = (CpuBuffer) bias;
        this.out = (CpuBuffer) out;
    }

    @Override
    public int width() {
        return x.width();
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        if (delta != null) {
            Rows.add(x.segment(), row * x.rowBytes(), delta.segment(), row * delta.rowBytes(), x.width());
        }
        int group = weight.width();
        for (int column = 0; column < x.width(); column += group) {
            normalise(row * x.rowBytes() + column * 4L, row * out.rowBytes() + column * 4L, group);
        }
    }

    private void normalise(long at, long outAt, int count) {
        MemorySegment source = x.segment();
        float mean = kind == NormKind.LAYER ? (float) (Rows.sum(source, at, count) / count) : 0;
        float factor = (float) (1 / Math.sqrt(Rows.sumOfSquares(source, at, count, mean) / count + epsilon));
        if (bias != null) {
            scale(source, at, outAt, count, mean, factor, bias.segment());
        } else {
            scale(source, at, outAt, count, mean, factor);
        }
    }

    /** out = (x − mean) · factor · weight. */
    private void scale(MemorySegment source, long at, long outAt, int count, float mean, float factor) {
        MemorySegment target = out.segment();
        MemorySegment weights = weight.segment();
        int whole = Rows.whole(count);
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            Rows.store(
                    Rows.load(source, at + i * 4L).sub(mean).mul(factor).mul(Rows.load(weights, i * 4L)),
                    target,
                    outAt + i * 4L);
        }
        for (int i = whole; i < count; i++) {
            Rows.set(
                    target,
                    outAt + i * 4L,
                    (Rows.get(source, at + i * 4L) - mean) * factor * Rows.get(weights, i * 4L));
        }
    }

    /** out = (x − mean) · factor · weight + bias. */
    private void scale(
            MemorySegment source, long at, long outAt, int count, float mean, float factor, MemorySegment biases) {
        scale(source, at, outAt, count, mean, factor);
        Rows.add(out.segment(), outAt, biases, 0, count);
    }
}
