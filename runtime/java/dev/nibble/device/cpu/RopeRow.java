package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import dev.nibble.device.RopeStyle;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** {@link Operation.Rope}. */
final class RopeRow implements RowWork {
    private final CpuBuffer x;
    private final int headSize;
    private final RopeStyle style;
    private final RotationTable table;
    private final @Nullable NativeKernels kernels;

    RopeRow(Operation.Rope operation, RotationTable table, @Nullable NativeKernels kernels) {
        this.x = (CpuBuffer) operation.x();
        this.headSize = operation.headSize();
        this.style = operation.style();
        this.table = table;
        this.kernels = kernels;
    }

    @Override
    public int width() {
        return x.width();
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        int first = row * table.pairs();
        if (kernels != null) {
            MemorySegment heads = x.segment().asSlice(row * x.rowBytes());
            kernels.rope(
                    style, heads, table.cosines(), table.sines(), first, x.width() / headSize, headSize, table.pairs());
            return;
        }
        for (int column = 0; column < x.width(); column += headSize) {
            long at = row * x.rowBytes() + column * 4L;
            switch (style) {
                case HALVES -> turnHalves(x.segment(), at, table.pairs(), table.cosines(), table.sines(), first);
                case INTERLEAVED ->
                    turnNeighbours(x.segment(), at, table.pairs(), table.cosines(), table.sines(), first);
            }
        }
    }

    private static void turnHalves(MemorySegment x, long at, int pairs, float[] cosines, float[] sines, int first) {
        int whole = Rows.whole(pairs);
        long half = pairs * 4L;
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            FloatVector cos = FloatVector.fromArray(Lanes.FLOATS, cosines, first + i);
            FloatVector sin = FloatVector.fromArray(Lanes.FLOATS, sines, first + i);
            FloatVector a = Rows.load(x, at + i * 4L);
            FloatVector b = Rows.load(x, at + half + i * 4L);
            Rows.store(a.mul(cos).sub(b.mul(sin)), x, at + i * 4L);
            Rows.store(a.mul(sin).add(b.mul(cos)), x, at + half + i * 4L);
        }
        for (int i = whole; i < pairs; i++) {
            turn(x, at + i * 4L, at + half + i * 4L, cosines[first + i], sines[first + i]);
        }
    }

    private static void turnNeighbours(MemorySegment x, long at, int pairs, float[] cosines, float[] sines, int first) {
        for (int i = 0; i < pairs; i++) {
            turn(x, at + i * 8L, at + i * 8L + 4, cosines[first + i], sines[first + i]);
        }
    }

    private static void turn(MemorySegment x, long at, long other, float cos, float sin) {
        float a = Rows.get(x, at);
        float b = Rows.get(x, other);
        Rows.set(x, at, a * cos - b * sin);
        Rows.set(x, other, a * sin + b * cos);
    }
}
