package dev.nibble.quant;

import java.util.Arrays;

/** Of each group of values, what least squares need to know about the levels of a codebook that are nearest to them. */
final class LevelSums {
    private final GroupedValues values;
    private final Codebook codebook;
    private final float[] products;
    private final float[] squares;

    LevelSums(GroupedValues values, Codebook codebook) {
        this.values = values;
        this.codebook = codebook;
        this.products = new float[values.groups()];
        this.squares = new float[values.groups()];
    }

    /** Finds the levels nearest to the values times {@code inverse} of their group, and sums over them. */
    void measure(float[] inverse) {
        Arrays.fill(products, 0);
        Arrays.fill(squares, 0);
        for (int i = 0; i < values.length(); i++) {
            codebook.accumulate(values.values(i), values.weights(i), inverse, products, squares);
        }
    }

    /** Σ weight · value · level of a group. */
    float product(int group) {
        return products[group];
    }

    /** Σ weight · level² of a group. */
    float square(int group) {
        return squares[group];
    }
}
