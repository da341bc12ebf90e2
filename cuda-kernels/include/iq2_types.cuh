/* Types whose points are eight magnitudes. */
#pragma once
#include "grid_types.cuh"

#ifdef IQ2_XXS_GRID
extern "C" __device__ const __align__(8) unsigned iq2_xxs_points[2 * 256] = {
#include "iq2_xxs.points"
};

/* For each block the numbers of four points in bytes, and 32 bits: signs of 7 bits each, then the scale; float16 d. */
struct IQ2_XXS {
    static constexpr int BLOCK_BYTES = 66;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 0;

    static constexpr bool BY_WORDS = true;

    template <class Source>
    __device__ static unsigned word(const Source& panel, int b, int i) {
        int p = i / 2;
        unsigned numbers = panel.word_of_pieces(2 * b);
        unsigned signs = panel.word_of_pieces(2 * b + 1);
        return signed_half(iq2_xxs_points, numbers >> 8 * p & 255, even_signs(signs >> 7 * p), i % 2);
    }

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        uint4 two = panel.piece(b / 2);
        unsigned numbers = select(two, b % 2 * 2);
        unsigned signs = select(two, b % 2 * 2 + 1);
#pragma unroll
        for (int p = 0; p < 4; p++) {
            signed_pair(iq2_xxs_points, numbers >> 8 * p & 255, even_signs(signs >> 7 * p), to.words + 2 * p);
        }
        to.scale = half_bits(panel.half(32)) * static_cast<float>(2 * (signs >> 28) + 1) * 0.125f;
        return to;
    }
};
#endif

#ifdef IQ2_XS_GRID
extern "C" __device__ const __align__(8) unsigned iq2_xs_points[2 * 512] = {
#include "iq2_xs.points"
};

/* For each block four times 16 bits: the number of a point, 7 bits of signs; scales of 4 bits of 16 columns; float16 d. */
struct IQ2_XS {
    static constexpr int BLOCK_BYTES = 74;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = true;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 0;

    static constexpr bool BY_WORDS = true;

    template <class Source>
    __device__ static unsigned word(const Source& panel, int b, int i) {
        unsigned bits = panel.word_of_pieces(2 * b + i / 4) >> i / 2 % 2 * 16 & 0xffff;
        return signed_half(iq2_xs_points, bits & 511, even_signs(bits >> 9), i % 2);
    }

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        uint4 two = panel.piece(b / 2);
#pragma unroll
        for (int p = 0; p < 4; p++) {
            unsigned bits = select(two, b % 2 * 2 + p / 2) >> p % 2 * 16 & 0xffff;
            signed_pair(iq2_xs_points, bits & 511, even_signs(bits >> 9), to.words + 2 * p);
        }
        unsigned scales = panel.word(16 + b / 4) >> b % 4 * 8;
        to.scale = half_bits(panel.half(36)) * 0.125f;
        to.scales[0] = 2 * (scales & 15) + 1;
        to.scales[1] = 2 * (scales >> 4 & 15) + 1;
        return to;
    }
};
#endif

#ifdef IQ2_S_GRID
extern "C" __device__ const __align__(8) unsigned iq2_s_points[2 * 1024] = {
#include "iq2_s.points"
};

/* Low bytes of the numbers of points; signs; high 2 bits of numbers; scales of 4 bits of 16 columns; float16 d. */
struct IQ2_S {
    static constexpr int BLOCK_BYTES = 82;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = true;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 0;

    static constexpr bool BY_WORDS = true;

    template <class Source>
    __device__ static unsigned word(const Source& panel, int b, int i) {
        int p = i / 2;
        unsigned high = panel.word_of_pieces(16 + b / 4) >> (b % 4 * 8 + 2 * p);
        unsigned number = (panel.word_of_pieces(b) >> 8 * p & 255) | (high & 3) << 8;
        return signed_half(iq2_s_points, number, panel.word_of_pieces(8 + b) >> 8 * p, i % 2);
    }

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        unsigned low = select(panel.piece(b / 4), b % 4);
        unsigned signs = select(panel.piece(2 + b / 4), b % 4);
        uint4 rest = panel.piece(4);
        unsigned high = select(rest, b / 4) >> b % 4 * 8;
        unsigned scales = select(rest, 2 + b / 4) >> b % 4 * 8;
#pragma unroll
        for (int p = 0; p < 4; p++) {
            unsigned number = (low >> 8 * p & 255) | (high >> 2 * p & 3) << 8;
            signed_pair(iq2_s_points, number, signs >> 8 * p, to.words + 2 * p);
        }
        to.scale = half_bits(panel.half(40)) * 0.125f;
        to.scales[0] = 2 * (scales & 15) + 1;
        to.scales[1] = 2 * (scales >> 4 & 15) + 1;
        return to;
    }
};
#endif
