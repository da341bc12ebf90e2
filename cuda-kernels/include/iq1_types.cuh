/* Types of the grid IQ1: eight ternary values t shifted by an eighth, as quants 8 t + 9 +- 1. */
#pragma once
#include "grid_types.cuh"

#ifdef IQ1_GRID
extern "C" __device__ const unsigned iq1_points[2048] = {
#include "iq1.points"
};

/* A point, its columns shifted down or up. */
__device__ inline void shifted_point(unsigned number, bool down, int* words) {
    unsigned point = __ldg(iq1_points + number);
    unsigned up = down ? 0 : 0x02020202;
    words[0] = (point & 0x0f0f0f0f) << 3 | up;
    words[1] = (point >> 4 & 0x0f0f0f0f) << 3 | up;
}

/* The first or the last four columns. */
__device__ inline unsigned half_point(unsigned number, bool down, int half) {
    return (__ldg(iq1_points + number) >> 4 * half & 0x0f0f0f0f) << 3 | (down ? 0 : 0x02020202);
}

/* Low bytes of the numbers of points; for each block 16 bits: the high three bits of four numbers, scale, shift; float16 d. */
struct IQ1_S {
    static constexpr int BLOCK_BYTES = 50;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 9;

    static constexpr bool BY_WORDS = true;

    template <class Source>
    __device__ static unsigned word(const Source& panel, int b, int i) {
        int p = i / 2;
        unsigned high = panel.word_of_pieces(8 + b / 2) >> b % 2 * 16;
        return half_point((panel.word_of_pieces(b) >> 8 * p & 255) | (high >> 3 * p & 7) << 8, high & 0x8000, i % 2);
    }

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        unsigned low = select(panel.piece(b / 4), b % 4);
        unsigned high = select(panel.piece(2), b / 2) >> b % 2 * 16 & 0xffff;
#pragma unroll
        for (int p = 0; p < 4; p++) {
            shifted_point((low >> 8 * p & 255) | (high >> 3 * p & 7) << 8, high & 0x8000, to.words + 2 * p);
        }
        to.scale = half_bits(panel.half(24)) * static_cast<float>(2 * (high >> 12 & 7) + 1) * 0.125f;
        return to;
    }
};

/* Low bytes of the numbers of points; a half byte for each: high three bits, shift; scales of 3 bits of 16 columns, and a piece of d. */
struct IQ1_M {
    static constexpr int BLOCK_BYTES = 56;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = true;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 9;

    static constexpr bool BY_WORDS = true;

    template <class Source>
    __device__ static unsigned word(const Source& panel, int b, int i) {
        int p = i / 2;
        unsigned bits = panel.word_of_pieces(8 + b / 2) >> (b % 2 * 16 + 4 * p);
        return half_point((panel.word_of_pieces(b) >> 8 * p & 255) | (bits & 7) << 8, bits & 8, i % 2);
    }

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        unsigned low = select(panel.piece(b / 4), b % 4);
        unsigned high = select(panel.piece(2), b / 2) >> b % 2 * 16;
#pragma unroll
        for (int p = 0; p < 4; p++) {
            unsigned bits = high >> 4 * p;
            shifted_point((low >> 8 * p & 255) | (bits & 7) << 8, bits & 8, to.words + 2 * p);
        }
        unsigned first = panel.word(12);
        unsigned second = panel.word(13);
        unsigned factor = (first >> 12 & 0xf) | (first >> 24 & 0xf0) | (second >> 4 & 0xf00) | (second >> 16 & 0xf000);
        unsigned scales = (b < 4 ? first : second) >> b / 2 % 2 * 16 >> b % 2 * 6;
        to.scale = half_bits(factor) * 0.125f;
        to.scales[0] = 2 * (scales & 7) + 1;
        to.scales[1] = 2 * (scales >> 3 & 7) + 1;
        return to;
    }
};
#endif
