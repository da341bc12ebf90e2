package dev.nibble.device.cpu;

import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;

/**
 * The cosines and sines of the angles of each row, shared by all rope operations of a step with the same positions and
 * frequencies. Angles are taken in float64: at position 100,000, float32 would be off by a hundredth of a radian.
 */
final class RotationTable implements RowWork {
    private final RowCount rows;
    private final CpuBuffer positions;
    private final CpuBuffer frequencies;
    private final float magnitude;
    private final int pairs;

    /** (rows, pairs) */
    private final float[] cosines;

    /** (rows, pairs) */
    private final float[] sines;

    RotationTable(Operation.Rope rope) {
        this.rows = rope.rows();
        this.positions = (CpuBuffer) rope.positions();
        this.frequencies = (CpuBuffer) rope.frequencies();
        this.magnitude = rope.magnitude();
        this.pairs = frequencies.width();
        this.cosines = new float[rows.limit() * pairs];
        this.sines = new float[cosines.length];
    }

    /** Whether this table serves that operation. */
    boolean serves(Operation.Rope rope) {
        return positions == rope.positions()
                && frequencies == rope.frequencies()
                && magnitude == rope.magnitude()
                && rows.equals(rope.rows());
    }

    /** Pairs that are turned in each head. */
    int pairs() {
        return pairs;
    }

    /** Row {@code row} from {@code row × pairs} on, times the magnitude. */
    float[] cosines() {
        return cosines;
    }

    /** As {@link #cosines}. */
    float[] sines() {
        return sines;
    }

    @Override
    public int width() {
        return pairs;
    }

    @Override
    public double cost() {
        return 60;
    }

    @Override
    public void run(int row, int begin, int end, int thread) {
        double position = positions.integer(row);
        for (int pair = 0; pair < pairs; pair++) {
            double angle = position * Rows.get(frequencies.segment(), pair * 4L);
            cosines[row * pairs + pair] = (float) (Math.cos(angle) * magnitude);
            sines[row * pairs + pair] = (float) (Math.sin(angle) * magnitude);
        }
    }
}
