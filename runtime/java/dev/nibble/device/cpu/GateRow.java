package dev.nibble.device.cpu;

import dev.nibble.device.Activation;
import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import org.jspecify.annotations.Nullable;

/** {@link Operation.Gate}. */
final class GateRow implements RowWork {
    /** 2 · √(2/π), of the Gaussian error linear unit's tanh form, written with a sigmoid: tanh(u) + 1 = 2 · sigmoid(2u). */
    private static final float GELU_FACTOR = 1.5957691216f;

    private static final float GELU_CUBIC = 0.044715f;

    private final Activation activation;
    private final CpuBuffer gate;
    private final CpuBuffer up;
    private final CpuBuffer out;
    private final @Nullable NativeKernels kernels;

    GateRow(Operation.Gate operation, @Nullable NativeKernels kernels) {
        this.kernels = kernels;
        this.activation = operation.activation();
        this.gate = (CpuBuffer) operation.gate();
        this.up = (CpuBuffer) operation.up();
        this.out = (CpuBuffer) operation.out();
    }

    @Override
    public int width() {
        return out.width();
    }

    @Override
    public double cost() {
        return 0.5;
    }

    @Override
    public boolean columnwise() {
        return true;
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        long at = row * gate.rowBytes();
        if (kernels != null) {
            long from = at + begin * 4L;
            MemorySegment target = out.segment().asSlice(from);
            kernels.gate(activation, gate.segment().asSlice(from), up.segment().asSlice(from), target, end - begin);
            return;
        }
        switch (activation) {
            case SILU -> silu(gate.segment(), at, up.segment(), out.segment(), begin, end);
            case GELU -> gelu(gate.segment(), at, up.segment(), out.segment(), begin, end);
        }
    }

    private static void silu(MemorySegment gate, long at, MemorySegment up, MemorySegment out, int begin, int end) {
        int whole = begin + Rows.whole(end - begin);
        for (int i = begin; i < whole; i += Lanes.COUNT) {
            long offset = at + i * 4L;
            Rows.store(silu(Rows.load(gate, offset), Rows.load(up, offset)), out, offset);
        }
        if (whole < end) {
            long offset = at + whole * 4L;
            VectorMask<Float> lanes = Lanes.FLOATS.indexInRange(whole, end);
            silu(rest(gate, offset, lanes), rest(up, offset, lanes)).intoMemorySegment(out, offset, Lanes.ORDER, lanes);
        }
    }

    private static FloatVector silu(FloatVector x, FloatVector y) {
        return x.mul(VectorMath.sigmoid(x)).mul(y);
    }

    private static void gelu(MemorySegment gate, long at, MemorySegment up, MemorySegment out, int begin, int end) {
        int whole = begin + Rows.whole(end - begin);
        for (int i = begin; i < whole; i += Lanes.COUNT) {
            long offset = at + i * 4L;
            Rows.store(gelu(Rows.load(gate, offset), Rows.load(up, offset)), out, offset);
        }
        if (whole < end) {
            long offset = at + whole * 4L;
            VectorMask<Float> lanes = Lanes.FLOATS.indexInRange(whole, end);
            gelu(rest(gate, offset, lanes), rest(up, offset, lanes)).intoMemorySegment(out, offset, Lanes.ORDER, lanes);
        }
    }

    private static FloatVector gelu(FloatVector x, FloatVector y) {
        FloatVector cubic = x.mul(x).mul(x).mul(GELU_CUBIC).add(x);
        return x.mul(VectorMath.sigmoid(cubic.mul(GELU_FACTOR))).mul(y);
    }

    private static FloatVector rest(MemorySegment memory, long offset, VectorMask<Float> lanes) {
        return FloatVector.fromMemorySegment(Lanes.FLOATS, memory, offset, Lanes.ORDER, lanes);
    }
}
