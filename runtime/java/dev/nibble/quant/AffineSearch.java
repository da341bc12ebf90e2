package dev.nibble.quant;

import java.util.Arrays;

/**
 * Finds for each group the line on which the numbers 0 … most come nearest to its values: least Σ weight · (value − start − step
 * · number)². Tries lines that are longer or shorter than the range of the values, gives each the least-squares line of the
 * numbers that it leads to, and goes on from the best.
 */
final class AffineSearch {
    /** Margins of lines about as long as the range of the values, for many numbers. */
    static final float[] AROUND = {0, 0, 0, 0.6f, 0.6f, 0, 0, -0.6f, -0.6f, 0, 0.6f, 0.6f, -0.6f, -0.6f};

    /** Margins of lines that rather clip the values, for few numbers. */
    static final float[] NARROW = {0, 0, 0.5f, 0.5f, 0, 0.8f, 0.8f, 0, -0.4f, -0.4f};

    private static final int REFINEMENTS = 2;

    private final boolean startBelowZero;
    private final LineSums sums;
    private final float[] base;
    private final float[] ranges;
    private final float[] gains;
    private final float[] starts;
    private final float[] steps;

    /**
     * Finds the lines. The values are less {@link #base} afterwards.
     *
     * @param startBelowZero whether a start must not be positive
     * @param margins pairs: by how many steps a line begins above the least value, and ends below the greatest
     */
    AffineSearch(GroupedValues values, int most, boolean startBelowZero, float... margins) {
        this.startBelowZero = startBelowZero;
        this.base = values.least();
        this.ranges = values.greatest();
        for (int group = 0; group < base.length; group++) {
            base[group] = startBelowZero ? Math.min(base[group], 0) : base[group];
            ranges[group] = Math.max(ranges[group] - base[group], 0);
        }
        // Sums over values that are alike stay exact if what they have in common is taken from them.
        values.subtract(base);
        this.sums = new LineSums(values, most);
        this.gains = new float[base.length];
        this.starts = new float[base.length];
        this.steps = new float[base.length];
        for (int group = 0; group < base.length; group++) {
            steps[group] = ranges[group] / most;
        }
        search(most, margins);
    }

    private void search(int most, float... margins) {
        Arrays.fill(gains, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < margins.length; i += 2) {
            for (int group = 0; group < base.length; group++) {
                float step = ranges[group] / (most + margins[i] + margins[i + 1]);
                sums.line(group, margins[i] * step, step);
            }
            improve();
        }
        for (int i = 0; i < REFINEMENTS; i++) {
            for (int group = 0; group < base.length; group++) {
                sums.line(group, starts[group], steps[group]);
            }
            improve();
        }
    }

    /** Takes the least-squares line where it lessens the squared error by more than the best so far. */
    private void improve() {
        sums.measure();
        for (int group = 0; group < base.length; group++) {
            float w = sums.weight(group);
            float x = sums.total(group);
            float q = sums.number(group);
            float qq = sums.square(group);
            float qx = sums.product(group);
            float determinant = w * qq - q * q;
            float step = (w * qx - x * q) / determinant;
            float start = (qq * x - q * qx) / determinant;
            if (startBelowZero && base[group] + start > 0) {
                start = -base[group];
                step = (qx - start * q) / qq;
            }
            float gain = sums.gain(group, start, step);
            if (step > 0 && gain > gains[group]) {
                gains[group] = gain;
                starts[group] = start;
                steps[group] = step;
            }
        }
    }

    /** What was taken from the values of each group. */
    float[] base() {
        return base;
    }

    /** Sums over the values as they are now. */
    LineSums sums() {
        return sums;
    }

    /** The distance between two numbers of a group; not negative. */
    float step(int group) {
        return steps[group];
    }

    /** What number 0 of a group stands for. */
    float start(int group) {
        return base[group] + starts[group];
    }
}
