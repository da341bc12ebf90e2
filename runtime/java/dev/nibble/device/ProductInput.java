package dev.nibble.device;

import java.util.List;

/**
 * Rows of activations on their way into matrix products.
 *
 * @param weights the weights that take them, all of them the same rows
 * @param columns values of a row
 * @param matrices (products): the matrix of each product, the expert; 0 where a weight has one matrix
 * @param products of each row of {@code values}, how many products in a row of {@code matrices} take it
 * @param values (rows, columns)
 */
public record ProductInput(List<WeightShape> weights, int columns, int[] matrices, int products, float[] values) {
    /** The number of products of a row and a matrix. */
    public int count() {
        return matrices.length;
    }

    /** Where in {@code values} the row of a product begins. */
    public int offset(int product) {
        return product / products * columns;
    }
}
