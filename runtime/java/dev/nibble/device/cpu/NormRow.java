package dev.nibble.device.cpu;

import dev.nibble.device.Buffer;
import dev.nibble.device.NormKind;
import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** {@link Operation.Norm} and {@link Operation.AddNorm}. */
final class NormRow implements RowWork {
    private final @Nullable NativeKernels kernels;
    private final NormKind kind;
    private final float epsilon;
    private final @Nullable CpuBuffer delta;
    private final CpuBuffer x;
    private final CpuBuffer weight;
    private final @Nullable CpuBuffer bias;
    private final CpuBuffer out;

    NormRow(Operation.Norm norm, @Nullable NativeKernels kernels) {
        this(kernels, norm.kind(), norm.epsilon(), null, norm.x(), norm.weight(), norm.bias(), norm.out());
    }

    NormRow(Operation.AddNorm norm, @Nullable NativeKernels kernels) {
        this(
                kernels,
                norm.kind(),
                norm.epsilon(),
                norm.delta(),
                norm.residual(),
                norm.weight(),
                norm.bias(),
                norm.out());
    }

    private NormRow(
            @Nullable NativeKernels kernels,
            NormKind kind,
            float epsilon,
            @Nullable Buffer delta,
            Buffer x,
            Buffer weight,
            @Nullable Buffer bias,
            Buffer out) {
        this.kernels = kernels;
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
            add(row, delta);
        }
        int group = weight.width();
        for (int column = 0; column < x.width(); column += group) {
            normalise(row * x.rowBytes() + column * 4L, row * out.rowBytes() + column * 4L, group);
        }
    }

    private void add(int row, CpuBuffer delta) {
        long at = row * x.rowBytes();
        long from = row * delta.rowBytes();
        if (kernels == null) {
            Rows.add(x.segment(), at, delta.segment(), from, x.width());
        } else {
            kernels.add(x.segment().asSlice(at), delta.segment().asSlice(from), x.width());
        }
    }

    /**
     * The mean is taken in two parts, the second that of what the first leaves: else values that differ little beside their
     * size would lose their differences.
     */
    private void normalise(long at, long outAt, int count) {
        MemorySegment source = x.segment();
        if (kernels != null) {
            MemorySegment added = bias == null ? null : bias.segment();
            MemorySegment target = out.segment().asSlice(outAt);
            kernels.norm(kind, source.asSlice(at), weight.segment(), added, target, count, epsilon);
            return;
        }
        boolean centred = kind == NormKind.LAYER;
        float mean = centred ? (float) (Rows.sum(source, at, count, 0) / count) : 0;
        double rest = centred ? Rows.sum(source, at, count, mean) / count : 0;
        double variance = Rows.sumOfSquares(source, at, count, mean) / count - rest * rest;
        double factor = 1 / Math.sqrt(variance + epsilon);
        scale(source, at, outAt, count, mean, (float) factor, (float) (-rest * factor));
        if (bias != null) {
            Rows.add(out.segment(), outAt, bias.segment(), 0, count);
        }
    }

    /** out = ((x − mean) · factor + shift) · weight. */
    private void scale(MemorySegment source, long at, long outAt, int count, float mean, float factor, float shift) {
        MemorySegment target = out.segment();
        MemorySegment weights = weight.segment();
        FloatVector factors = FloatVector.broadcast(Lanes.FLOATS, factor);
        FloatVector shifts = FloatVector.broadcast(Lanes.FLOATS, shift);
        int whole = Rows.whole(count);
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            FloatVector normal = Rows.load(source, at + i * 4L).sub(mean).fma(factors, shifts);
            Rows.store(normal.mul(Rows.load(weights, i * 4L)), target, outAt + i * 4L);
        }
        for (int i = whole; i < count; i++) {
            float normal = (Rows.get(source, at + i * 4L) - mean) * factor + shift;
            Rows.set(target, outAt + i * 4L, normal * Rows.get(weights, i * 4L));
        }
    }
}
