package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** {@link Operation.Combine}. */
final class CombineRow implements RowWork {
    private final CpuBuffer x;
    private final CpuBuffer weights;
    private final @Nullable CpuBuffer shared;
    private final @Nullable CpuBuffer gate;
    private final CpuBuffer out;

    CombineRow(Operation.Combine operation) {
        this.x = (CpuBuffer) operation.x();
        this.weights = (CpuBuffer) operation.weights();
        this.shared = (CpuBuffer) operation.shared();
        this.gate = (CpuBuffer) operation.gate();
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
        float share = gate == null ? 1 : (float) (1 / (1 + Math.exp(-Rows.get(gate.segment(), row * gate.rowBytes()))));
        for (int i = 0; i < whole; i += Lanes.COUNT) {
            FloatVector sum = shared == null
                    ? FloatVector.zero(Lanes.FLOATS)
                    : Rows.load(shared.segment(), outAt + i * 4L).mul(share);
            for (int expert = 0; expert < weights.width(); expert++) {
                sum = Rows.load(x.segment(), at + expert * out.rowBytes() + i * 4L)
                        .fma(weight(row, expert), sum);
            }
            Rows.store(sum, out.segment(), outAt + i * 4L);
        }
        for (int i = whole; i < out.width(); i++) {
            float sum = shared == null ? 0 : share * Rows.get(shared.segment(), outAt + i * 4L);
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
