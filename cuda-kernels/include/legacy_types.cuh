/* Types with blocks of 32 columns. Of each row in a panel: the quants of all blocks, then each small field of all blocks. */
#pragma once
#include "quants.cuh"

/* Quants of 4 bits (quants.cuh: low halves first), then float16 scales. */
struct Q4_0 {
    static constexpr int BLOCK_BYTES = 18;
    static constexpr int BYTES = 8 * BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 8;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        low_then_high(panel.piece(b), to.words);
        to.scale = half_bits(panel.field_half(16, b));
        return to;
    }
};

/* Quants of 4 bits, then pairs of float16 scale and offset. */
struct Q4_1 {
    static constexpr int BLOCK_BYTES = 20;
    static constexpr int BYTES = 8 * BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = true;
    static constexpr int ZERO = 0;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        low_then_high(panel.piece(b), to.words);
        unsigned pair = panel.field_word(16, b);
        to.scale = half_bits(pair & 0xffff);
        to.offset = half_bits(pair >> 16);
        return to;
    }
};

/* Quants without their fifth bits, then float16 scales, then fifth bits (quants.cuh). */
struct Q5_0 {
    static constexpr int BLOCK_BYTES = 22;
    static constexpr int BYTES = 8 * BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 16;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        low_then_high(panel.piece(b), to.words);
        fifth_bits(panel.field_word(18, b), to.words);
        to.scale = half_bits(panel.field_half(16, b));
        return to;
    }
};

/* Quants without their fifth bits, then pairs of float16 scale and offset, then fifth bits. */
struct Q5_1 {
    static constexpr int BLOCK_BYTES = 24;
    static constexpr int BYTES = 8 * BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = true;
    static constexpr int ZERO = 0;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        low_then_high(panel.piece(b), to.words);
        fifth_bits(panel.field_word(20, b), to.words);
        unsigned pair = panel.field_word(16, b);
        to.scale = half_bits(pair & 0xffff);
        to.offset = half_bits(pair >> 16);
        return to;
    }
};

/* Signed bytes, then float16 scales. */
struct Q8_0 {
    static constexpr int BLOCK_BYTES = 34;
    static constexpr int BYTES = 8 * BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 0;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            to.words[i] = select(panel.piece(2 * b + i / 4), i % 4);
        }
        to.scale = half_bits(panel.field_half(32, b));
        return to;
    }
};

/* Numbers of 4 bits in a codebook (quants.cuh), then float16 scales. */
struct IQ4_NL {
    static constexpr int BLOCK_BYTES = 18;
    static constexpr int BYTES = 8 * BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 0;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        codes<NonlinearCodes>(panel.ordered_piece(b), to.words);
        to.scale = half_bits(panel.field_half(16, b));
        return to;
    }
};

/* Numbers of 4 bits in a codebook of twice the values, then exponents e: scales 2^(e - 127). */
struct MXFP4 {
    static constexpr int BLOCK_BYTES = 17;
    static constexpr int BYTES = 8 * BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 0;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        codes<TwiceE2M1Codes>(panel.ordered_piece(b), to.words);
        unsigned exponent = panel.field_byte(16, b);
        /* 2^-127 has no exponent, but the upper bit of its fraction. Exponent 255 is that of no number. */
        unsigned bits = exponent == 0 ? 0x00400000 : exponent == 255 ? 0x7fc00000 : exponent << 23;
        to.scale = 0.5f * __uint_as_float(bits);
        return to;
    }
};
