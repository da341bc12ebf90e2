package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/** {@link Operation.ArgMax}. */
final class ArgMaxRow implements RowWork {
    private final CpuBuffer x;
    private final CpuBuffer ids;
    private final @Nullable NativeKernels kernels;

    ArgMaxRow(Operation.ArgMax operation, @Nullable NativeKernels kernels) {
        this.kernels = kernels;
        this.x = (CpuBuffer) operation.x();
        this.ids = (CpuBuffer) operation.ids();
    }

    @Override
    public int width() {
        return x.width();
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        long at = row * x.rowBytes();
        int place = kernels == null
                ? place(x.segment(), at, x.width())
                : kernels.argMax(x.segment().asSlice(at), x.width());
        ids.segment().set(ValueLayout.JAVA_INT, row * ids.rowBytes(), place);
    }

    /** The largest value first, then the first place where it stands. */
    private static int place(MemorySegment x, long at, int count) {
        FloatVector most = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
        int whole = Rows.whole(count);
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            most = VectorMath.larger(most, Rows.load(x, at + i * 4L));
        }
        float largest = most.reduceLanes(VectorOperators.MAX);
        for (int i = whole; i < count; i++) {
            float value = Rows.get(x, at + i * 4L);
            largest = value > largest ? value : largest;
        }
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            VectorMask<Float> equal = Rows.load(x, at + i * 4L).compare(VectorOperators.EQ, largest);
            if (equal.anyTrue()) {
                return i + equal.firstTrue();
            }
        }
        for (int i = whole; i < count; i++) {
            if (Rows.get(x, at + i * 4L) == largest) {
                return i;
            }
        }
        return 0;
    }
}
