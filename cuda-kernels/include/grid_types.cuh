/*
 * Types with blocks of 256 columns whose quants are numbers of points of grids, which lie in global memory: scripts/compile-cuda makes
 * the tables from the runtime's. A module has the types of a grid that it is compiled for,
 * with -DIQ1_GRID, say. A row's string is the file's block with its float16 d last.
 */
#pragma once
#include "layout.cuh"

/* Copies of bits 0 ... 3 in bits 0, 8, 16, 24. */
__device__ inline unsigned spread(unsigned bits) {
    return (bits & 15) * 0x00204081 & 0x01010101;
}

/* Four bytes from 1 to 127, with minus signs where bits 0 ... 3 of signs are set. */
__device__ inline int with_signs(unsigned magnitudes, unsigned signs) {
    unsigned minus = spread(signs);
    return (magnitudes ^ minus * 255) + minus;
}

/* Eight signs, an even number of them minus, of which seven are stored. */
__device__ inline unsigned even_signs(unsigned seven) {
    seven &= 127;
    return seven | (__popc(seven) & 1) << 7;
}

/* The points of a table of two words each. */
__device__ inline uint2 pair_point(const unsigned* points, unsigned number) {
    return __ldg(reinterpret_cast<const uint2*>(points) + number);
}

/* One of its words. */
__device__ inline unsigned signed_half(const unsigned* points, unsigned number, unsigned signs, int half) {
    return with_signs(__ldg(points + 2 * number + half), signs >> 4 * half);
}

__device__ inline void signed_pair(const unsigned* points, unsigned number, unsigned signs, int* words) {
    uint2 point = pair_point(points, number);
    words[0] = with_signs(point.x, signs);
    words[1] = with_signs(point.y, signs >> 4);
}
