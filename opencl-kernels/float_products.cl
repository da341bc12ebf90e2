/* Products of weights of floats with activations of floats. Included by matmul.cl. */
#include "floats.cl"

#define VECTORS (LANES == 16 ? 2 : 1)

/* Columns whose weights are in registers at a time. */
#define STEP 8

typedef const global float *input;

/* Floats are in one part. */
input input_of(const global uchar *x, const global int2 *none) {
    return (input)x;
}

/* Adds the products of a tile's rows with some tokens to their results. */
void multiply(
        const global uchar *tile, int columns, int row, input x, const int *inputs, int count,
        FLOAT results[TOKENS][VECTORS]) {
    int whole = columns - columns % STEP;
    for (int column = get_local_id(1) * STEP; column < whole; column += SPLITS * STEP) {
        FLOAT weights[STEP][VECTORS];
#pragma unroll
        for (int i = 0; i < STEP * VECTORS; i++) {
            weights[i / VECTORS][i % VECTORS] = load_weights(tile, column + i / VECTORS, row + i % VECTORS * LANES);
        }
        for (int t = 0; t < PASSED(count); t++) {
            input at = x + (size_t)inputs[t] * columns + column;
#pragma unroll
            for (int i = 0; i < STEP * VECTORS; i++) {
                int v = i % VECTORS;
                results[t][v] = fma(weights[i / VECTORS][v], (FLOAT)at[i / VECTORS], results[t][v]);
            }
        }
    }
    for (int column = whole + get_local_id(1); column < columns; column += SPLITS) {
        for (int v = 0; v < VECTORS; v++) {
            FLOAT weights = load_weights(tile, column, row + v * LANES);
            for (int t = 0; t < PASSED(count); t++) {
                results[t][v] = fma(weights, (FLOAT)x[(size_t)inputs[t] * columns + column], results[t][v]);
            }
        }
    }
}
