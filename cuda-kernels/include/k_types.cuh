/* Types with blocks of 256 columns in groups of 16 or 32, with integer scales. A row's string is the file's block. */
#pragma once
#include "quants.cuh"

/* 16 bytes, the scale in the low and the minimum in the high half; quants of 2 bits; float16 d, dmin. */
struct Q2_K {
    static constexpr int BLOCK_BYTES = 84;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = true;
    static constexpr bool OFFSETS = true;
    static constexpr int ZERO = 0;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        int half = b / 4;
        bits_of_bytes<2>(panel.piece(1 + 2 * half), panel.piece(2 + 2 * half), b % 4 * 2, to.words);
        unsigned pair = select(panel.piece(0), b / 2) >> b % 2 * 16;
        unsigned factors = panel.word(20);
        to.scale = half_bits(factors & 0xffff);
        to.offset = -half_bits(factors >> 16);
        to.scales[0] = pair & 15;
        to.minima[0] = pair >> 4 & 15;
        to.scales[1] = pair >> 8 & 15;
        to.minima[1] = pair >> 12 & 15;
        return to;
    }
};

/* The third bits of quants of 32 columns in 32 bytes, a bit for each of 8 blocks; their low bits; scales of 6 bits; float16 d. */
struct Q3_K {
    static constexpr int BLOCK_BYTES = 110;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = true;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 4;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        int half = b / 4;
        bits_of_bytes<2>(panel.piece(2 + 2 * half), panel.piece(3 + 2 * half), b % 4 * 2, to.words);
        more_bits_of_bytes<1, 2>(panel.piece(0), panel.piece(1), b, to.words);
        unsigned low = panel.word(24 + b % 4 / 2) >> b % 2 * 16 >> b / 4 * 4;
        unsigned high = panel.word(26) >> b % 2 * 16 >> b / 2 * 2;
        to.scale = half_bits(panel.half(54));
        to.scales[0] = static_cast<int>((low & 15) | (high & 3) << 4) - 32;
        to.scales[1] = static_cast<int>((low >> 8 & 15) | (high >> 8 & 3) << 4) - 32;
        return to;
    }
};

/* The factors of Q4_K and Q5_K: float16 d, dmin; scales and minima of 6 bits of 8 blocks in 12 bytes. */
__device__ inline void six_bit_factors(uint4 header, int b, Block& to) {
    int shift = b % 4 * 8;
    unsigned scale = header.y >> shift;
    unsigned minimum = header.z >> shift;
    if (b < 4) {
        scale &= 63;
        minimum &= 63;
    } else {
        unsigned low = header.w >> shift;
        scale = (low & 15) | (scale >> 2 & 0x30);
        minimum = (low >> 4 & 15) | (minimum >> 2 & 0x30);
    }
    to.scale = half_bits(header.x & 0xffff) * static_cast<float>(scale);
    to.offset = -half_bits(header.x >> 16) * static_cast<float>(minimum);
}

/* Factors; quants of 4 bits, those of two blocks in 32 bytes. */
struct Q4_K {
    static constexpr int BLOCK_BYTES = 144;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = true;
    static constexpr int ZERO = 0;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        int at = 1 + b / 2 * 2;
        bits_of_bytes<4>(panel.piece(at), panel.piece(at + 1), b % 2 * 4, to.words);
        six_bit_factors(panel.piece(0), b, to);
        return to;
    }
};

/* Factors; the fifth bits of quants of 32 columns in 32 bytes, a bit for each block; their low bits as those of Q4_K. */
struct Q5_K {
    static constexpr int BLOCK_BYTES = 176;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = true;
    static constexpr int ZERO = 0;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        int at = 3 + b / 2 * 2;
        bits_of_bytes<4>(panel.piece(at), panel.piece(at + 1), b % 2 * 4, to.words);
        more_bits_of_bytes<1, 4>(panel.piece(1), panel.piece(2), b, to.words);
        six_bit_factors(panel.piece(0), b, to);
        return to;
    }
};

/* The low 4 bits of quants, those of blocks b and b + 2 in 32 bytes; their high 2 bits; signed scales; float16 d. */
struct Q6_K {
    static constexpr int BLOCK_BYTES = 210;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = true;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 32;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        int low = b / 4 * 4 + b % 2 * 2;
        int high = 8 + b / 4 * 2;
        bits_of_bytes<4>(panel.piece(low), panel.piece(low + 1), b % 4 / 2 * 4, to.words);
        more_bits_of_bytes<2, 4>(panel.piece(high), panel.piece(high + 1), b % 4 * 2, to.words);
        int pair = static_cast<int>(select(panel.piece(12), b / 2) >> b % 2 * 16);
        to.scale = half_bits(panel.half(104));
        to.scales[0] = pair << 24 >> 24;
        to.scales[1] = pair << 16 >> 24;
        return to;
    }
};

/* Numbers of 4 bits in a codebook (quants.cuh); float16 d; of scales of 6 bits the high 2 of all blocks, then the low 4. */
struct IQ4_XS {
    static constexpr int BLOCK_BYTES = 136;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 0;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        codes<NonlinearCodes>(panel.ordered_piece(b), to.words);
        unsigned first = panel.word(32);
        int scale = static_cast<int>((panel.word(33) >> 4 * b & 15) | (first >> (16 + 2 * b) & 3) << 4) - 32;
        to.scale = half_bits(first & 0xffff) * static_cast<float>(scale);
        return to;
    }
};
