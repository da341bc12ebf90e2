package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;

/** {@link Operation.Hadamard}. */
final class HadamardRow implements RowWork {
    private static final VectorShuffle<Float> EIGHT = exchange(8);
    private static final VectorShuffle<Float> FOUR = exchange(4);
    private static final VectorShuffle<Float> TWO = exchange(2);
    private static final VectorShuffle<Float> ONE = exchange(1);
    private static final FloatVector SIGN_EIGHT = sign(8);
    private static final FloatVector SIGN_FOUR = sign(4);
    private static final FloatVector SIGN_TWO = sign(2);
    private static final FloatVector SIGN_ONE = sign(1);

    private final CpuBuffer x;
    private final int size;
    private final float factor;

    HadamardRow(Operation.Hadamard operation) {
        this.x = (CpuBuffer) operation.x();
        this.size = operation.size();
        this.factor = operation.factor();
    }

    /** Exchanges lanes that are so far apart. */
    private static VectorShuffle<Float> exchange(int distance) {
        return VectorShuffle.fromOp(Lanes.FLOATS, lane -> (lane ^ distance) % Lanes.COUNT);
    }

    /** −1 where a lane is the second of a pair so far apart, else 1. */
    private static FloatVector sign(int distance) {
        float[] signs = new float[Lanes.COUNT];
        for (int lane = 0; lane < signs.length; lane++) {
            signs[lane] = (lane & distance) == 0 ? 1 : -1;
        }
        return FloatVector.fromArray(Lanes.FLOATS, signs, 0);
    }

    @Override
    public int width() {
        return x.width();
    }

    @Override
    public double cost() {
        return 0.3;
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        long at = row * x.rowBytes();
        if (x.width() % Lanes.COUNT != 0) {
            scalar(x.segment(), at);
            return;
        }
        for (int h = size / 2; h >= Lanes.COUNT; h /= 2) {
            for (int pair = 0; pair < x.width(); pair += 2 * h) {
                exchange(x.segment(), at + pair * 4L, h);
            }
        }
        within(x.segment(), at, x.width(), Math.min(size, Lanes.COUNT), factor);
    }

    /** Sums and differences of vectors h values apart. */
    private static void exchange(MemorySegment x, long at, int h) {
        long distance = h * 4L;
        for (int i = 0; i < h; i += Lanes.COUNT) {
            FloatVector a = Rows.load(x, at + i * 4L);
            FloatVector b = Rows.load(x, at + distance + i * 4L);
            Rows.store(a.add(b), x, at + i * 4L);
            Rows.store(a.sub(b), x, at + distance + i * 4L);
        }
    }

    /** The steps within vectors, and the factor: x · ±1 + y is rounded once, as a sum or a difference is. */
    private static void within(MemorySegment memory, long at, int count, int size, float factor) {
        for (int i = 0; i < count; i += Lanes.COUNT) {
            FloatVector x = Rows.load(memory, at + i * 4L);
            if (size > 8) {
                x = x.fma(SIGN_EIGHT, x.rearrange(EIGHT));
            }
            if (size > 4) {
                x = x.fma(SIGN_FOUR, x.rearrange(FOUR));
            }
            if (size > 2) {
                x = x.fma(SIGN_TWO, x.rearrange(TWO));
            }
            if (size > 1) {
                x = x.fma(SIGN_ONE, x.rearrange(ONE));
            }
            Rows.store(x.mul(factor), memory, at + i * 4L);
        }
    }

    private void scalar(MemorySegment memory, long at) {
        for (int h = size / 2; h >= 1; h /= 2) {
            for (int i = 0; i < x.width(); i++) {
                if ((i & h) == 0) {
                    float a = Rows.get(memory, at + i * 4L);
                    float b = Rows.get(memory, at + (i + h) * 4L);
                    Rows.set(memory, at + i * 4L, a + b);
                    Rows.set(memory, at + (i + h) * 4L, a - b);
                }
            }
        }
        for (int i = 0; i < x.width(); i++) {
            Rows.set(memory, at + i * 4L, Rows.get(memory, at + i * 4L) * factor);
        }
    }
}
