/* Types whose points are four magnitudes. */
#pragma once
#include "grid_types.cuh"

#ifdef IQ3_XXS_GRID
extern "C" __device__ const unsigned iq3_xxs_points[256] = {
#include "iq3_xxs.points"
};

/* Numbers of points in bytes; for each block 32 bits: signs of 7 bits for eight columns each, then the scale; float16 d. */
struct IQ3_XXS {
    static constexpr int BLOCK_BYTES = 98;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 0;

    static constexpr bool BY_WORDS = true;

    template <class Source>
    __device__ static unsigned word(const Source& panel, int b, int i) {
        unsigned number = panel.word_of_pieces(2 * b + i / 4) >> i % 4 * 8 & 255;
        return with_signs(__ldg(iq3_xxs_points + number), even_signs(panel.word_of_pieces(16 + b) >> i / 2 * 7) >> i % 2 * 4);
    }

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        uint4 two = panel.piece(b / 2);
        unsigned bits = select(panel.piece(4 + b / 4), b % 4);
#pragma unroll
        for (int p = 0; p < 8; p++) {
            unsigned number = select(two, b % 2 * 2 + p / 4) >> p % 4 * 8 & 255;
            to.words[p] = with_signs(__ldg(iq3_xxs_points + number), even_signs(bits >> p / 2 * 7) >> p % 2 * 4);
        }
        to.scale = half_bits(panel.half(48)) * static_cast<float>(2 * (bits >> 28) + 1) * 0.25f;
        return to;
    }
};
#endif

#ifdef IQ3_S_GRID
extern "C" __device__ const unsigned iq3_s_points[512] = {
#include "iq3_s.points"
};

/* Low bytes of the numbers of points; their ninth bits; signs; scales of 4 bits; float16 d. */
struct IQ3_S {
    static constexpr int BLOCK_BYTES = 110;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 0;

    static constexpr bool BY_WORDS = true;

    template <class Source>
    __device__ static unsigned word(const Source& panel, int b, int i) {
        unsigned high = panel.word_of_pieces(16 + b / 4) >> (b % 4 * 8 + i);
        unsigned number = (panel.word_of_pieces(2 * b + i / 4) >> i % 4 * 8 & 255) | (high & 1) << 8;
        return with_signs(__ldg(iq3_s_points + number), panel.word(18 + b) >> 4 * i);
    }

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        uint4 two = panel.piece(b / 2);
        unsigned high = panel.word(16 + b / 4) >> b % 4 * 8;
        unsigned signs = panel.word(18 + b);
#pragma unroll
        for (int p = 0; p < 8; p++) {
            unsigned number = (select(two, b % 2 * 2 + p / 4) >> p % 4 * 8 & 255) | (high >> p & 1) << 8;
            to.words[p] = with_signs(__ldg(iq3_s_points + number), signs >> 4 * p);
        }
        int scale = 2 * static_cast<int>(panel.word(26) >> 4 * b & 15) + 1;
        to.scale = half_bits(panel.half(54)) * static_cast<float>(scale);
        return to;
    }
};
#endif
