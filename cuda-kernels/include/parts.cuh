/*
 * The weights that a launch multiplies the same activations by: up to four, each with its bias and its output. Their tiles are counted
 * through.
 */
#pragma once
#include "layout.cuh"

/* One weight of a group; matrices of experts lie one after another. */
struct Part {
    const bytes* weights;
    const float* bias; /* (width), or none */
    float* out; /* (n, width) */
    int tiles; /* of a matrix; 0 where there is no such part */
    int width; /* rows of a matrix */
};

/* Parameters of a kernel. */
#define PART(i) \
    const bytes *__restrict__ weights##i, const float *__restrict__ bias##i, float *__restrict__ out##i, int tiles##i, int width##i
#define PARTS PART(0), PART(1), PART(2), PART(3)
#define MAKE_PART(i) {weights##i, bias##i, out##i, tiles##i, width##i}
#define MAKE_PARTS {MAKE_PART(0), MAKE_PART(1), MAKE_PART(2), MAKE_PART(3)}

/* The part that a tile belongs to; the tile becomes its number there. One without tiles if there are not so many. */
__device__ inline Part find_part(const Part (&parts)[4], int& tile) {
    Part found = parts[0];
#pragma unroll
    for (int i = 1; i < 4; i++) {
        if (tile >= found.tiles) {
            tile -= found.tiles;
            found = parts[i];
        }
    }
    if (tile >= found.tiles) {
        found.tiles = 0;
    }
    return found;
}

/* Stores the result of a row. */
__device__ inline void store(const Part& part, int row, int output, float result) {
    if (row < part.width) {
        part.out[static_cast<size_t>(output) * part.width + row] = part.bias ? result + part.bias[row] : result;
    }
}
