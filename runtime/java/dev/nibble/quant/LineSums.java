package dev.nibble.quant;

import java.util.Arrays;

/**
 * Of each group of values, what least squares need to know about the numbers 0 … most that are nearest to them on a line.
 */
final class LineSums {
    private final GroupedValues values;
    private final int most;
    private final float[] weights;
    private final float[] totals;
    private final float[] numbers;
    private final float[] squares;
    private final float[] products;
    private final float[] inverses;
    private final float[] offsets;

    LineSums(GroupedValues values, int most) {
        this.values = values;
        this.most = most;
        int groups = values.groups();
        this.weights = new float[groups];
        this.totals = new float[groups];
        this.numbers = new float[groups];
        this.squares = new float[groups];
        this.products = new float[groups];
        this.inverses = new float[groups];
        this.offsets = new float[groups];
        values.total(weights, totals);
    }

    /** Chooses the line of a group for the next {@link #measure}; a step of zero makes all numbers 0. */
    void line(int group, float start, float step) {
        float inverse = step == 0 ? 0 : 1 / step;
        inverses[group] = inverse;
        offsets[group] = 0.5f - start * inverse;
    }

    /** Finds the numbers nearest to the values on the line of each group, and sums over them. */
    void measure() {
        Arrays.fill(numbers, 0);
        Arrays.fill(squares, 0);
        Arrays.fill(products, 0);
        for (int i = 0; i < values.length(); i++) {
            accumulate(values.values(i), values.weights(i));
        }
    }

    private void accumulate(float[] row, float[] rowWeights) {
        for (int i = 0; i < row.length; i++) {
            float number = Math.min(Math.max((int) (row[i] * inverses[i] + offsets[i]), 0), most);
            float weighted = rowWeights[i] * number;
            numbers[i] += weighted;
            squares[i] += weighted * number;
            products[i] += weighted * row[i];
        }
    }

    /** Σ weight of a group. */
    float weight(int group) {
        return weights[group];
    }

    /** Σ weight · value of a group. */
    float total(int group) {
        return totals[group];
    }

    /** Σ weight · number of a group. */
    float number(int group) {
        return numbers[group];
    }

    /** Σ weight · number² of a group. */
    float square(int group) {
        return squares[group];
    }

    /** Σ weight · number · value of a group. */
    float product(int group) {
        return products[group];
    }

    /** By how much the squared error of a group is less than that of zeros, if its numbers stand for this line. */
    float gain(int group, float start, float step) {
        return step * (2 * products[group] - step * squares[group] - 2 * start * numbers[group])
                + start * (2 * totals[group] - start * weights[group]);
    }
}
