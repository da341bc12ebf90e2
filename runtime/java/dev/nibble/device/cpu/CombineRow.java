package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import jdk.incubator.vector.FloatVector;

/** {@link Operation.Combine}. */
final class CombineRow implements RowWork {
    private final CpuBuffer x;
    private final CpuBuffer weights;
    private final CpuBuffer out;

    CombineRow(Operation.Combine operation) {
        this.x = (CpuBuffer) operation.x();
        this.weights = (CpuBuffer) operation.weights();
        this.out = (CpuBuffer) operation.out();
    }

    @Override
    public int width() {
        return out.width();
    }

    @Override
    public double cost() {
        return 0.05 * weights.width();
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        int whole = Rows.whole(out.width());
        long at = row * x.rowBytes();
        long outAt = row * out.rowBytes();
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            FloatVector sum = FloatVector.zero(Lanes.FLOATS);
            for (int expert = 0; expert < weights.width(); expert++) {
                sum = Rows.load(x.segment(), at + expert * out.rowBytes() + i * 4L)
                        .fma(weight(row, expert), sum);
            }
            Rows.store(sum, out.segment(), outAt + i * 4L);
        }
        for (int i = whole; i < out.width(); i++) {
            float sum = 0;
            for (int expert = 0; expert < weights.width(); expert++) {
                sum += Rows.get(x.segment(), at + expert * out.rowBytes() + i * 4L)
                        * Rows.get(weights.segment(), row * weights.rowBytes() + expert * 4L);
            }
            Rows.set(out.segment(), outAt + i * 4L, sum);
        }
    }

    private FloatVector weight(int row, int expert) {
        return FloatVector.broadcast(Lanes.FLOATS, Rows.get(weights.segment(), row * weights.rowBytes() + expert * 4L));
    }
}
