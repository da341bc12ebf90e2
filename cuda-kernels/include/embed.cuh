/* Rows of a table, which is stored as the weights of products are: a part of their module. */
#pragma once
#include "types.cuh"

/* Columns of a thread. */
constexpr int EMBEDDED_COLUMNS = 32;

/* Writes EMBEDDED_COLUMNS columns of a row, or as many as there are, from `from` on. */
#ifdef FLOATS
__device__ inline void write(const bytes* tile, int row, int from, int columns, float* out) {
    for (int column = from; column < min(from + EMBEDDED_COLUMNS, columns); column++) {
        out[column] = float_weight<TYPE>(tile, column, row, columns);
    }
}
#else
__device__ inline void write(const bytes* tile, int row, int from, int columns, float* out) {
    int b = from / BLOCK_COLUMNS;
    Block w = TYPE::read(panel_of<TYPE>(tile, row, b, columns / BLOCK_COLUMNS), b % PANEL_BLOCKS);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        float scale = w.scale;
        float offset = 0;
        if constexpr (TYPE::HALVES) {
            scale *= static_cast<float>(w.scales[i / 4]);
        }
        if constexpr (TYPE::OFFSETS) {
            offset = TYPE::HALVES ? w.offset * static_cast<float>(w.minima[i / 4]) : w.offset;
        }
        float values[4];
#pragma unroll
        for (int j = 0; j < 4; j++) {
            int quant = static_cast<int>(static_cast<signed char>(w.words[i] >> 8 * j)) - TYPE::ZERO;
            values[j] = scale * static_cast<float>(quant) + offset;
        }
        reinterpret_cast<float4*>(out + from)[i] = make_float4(values[0], values[1], values[2], values[3]);
    }
}
#endif

/*
 * out[i] = table[ids[i]], for ids from `first` on and below `end`, the rows that this table has.
 *
 * live: (1), the number of rows; ids: (n); out: (n, columns)
 * blocks: (columns / 1024, limit) of 32
 */
extern "C" __global__ void __launch_bounds__(32) VARIANT(embed_, )(
        const int* __restrict__ live, const int* __restrict__ ids, const bytes* __restrict__ table, int first, int end, int columns,
        float* __restrict__ out) {
    int token = blockIdx.y;
    int from = (blockIdx.x * 32 + threadIdx.x) * EMBEDDED_COLUMNS;
    if (token >= *live || from >= columns) {
        return;
    }
    int id = ids[token];
    if (id < first || id >= end) {
        return;
    }
    const bytes* tile = table + (id - first) / TILE_ROWS * tile_bytes<TYPE>(columns);
    write(tile, (id - first) % TILE_ROWS, from, columns, out + static_cast<size_t>(token) * columns);
}
