/* Types with blocks of 256 columns that are -d, 0 or d. */
#pragma once
#include "quants.cuh"

/* Quants of 2 bits, those of four blocks in 32 bytes; float16 d. */
struct TQ2_0 {
    static constexpr int BLOCK_BYTES = 66;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 1;

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        int at = b / 4 * 2;
        bits_of_bytes<2>(panel.piece(at), panel.piece(at + 1), b % 4 * 2, to.words);
        to.scale = half_bits(panel.half(32));
        return to;
    }
};

/* Digit n of four bytes that are fractions 0.t0 t1 t2 ... in base 3. */
__device__ inline int ternary_digit(unsigned fractions, int n) {
    unsigned power = n == 0 ? 1 : n == 1 ? 3 : n == 2 ? 9 : n == 3 ? 27 : 81;
    unsigned even = (fractions & 0x00ff00ff) * power & 0x00ff00ff;
    unsigned odd = (fractions >> 8 & 0x00ff00ff) * power & 0x00ff00ff;
    return (even * 3 >> 8 & 0x00030003) | (odd * 3 & 0x03000300);
}

/*
 * 32 bytes with five digits: blocks 0 ... 4; 16 bytes with five digits of 16 columns: blocks 5, 6 and half of 7; 4 bytes with four digits
 * of 4 columns; float16 d.
 */
struct TQ1_0 {
    static constexpr int BLOCK_BYTES = 54;
    static constexpr int BYTES = BLOCK_BYTES;
    static constexpr bool HALVES = false;
    static constexpr bool OFFSETS = false;
    static constexpr int ZERO = 1;

    static constexpr bool BY_WORDS = true;

    template <class Source>
    __device__ static unsigned word(const Source& panel, int b, int i) {
        int half = i / 4;
        if (b == 7 && half == 1) {
            return ternary_digit(panel.word(12), i % 4);
        }
        return b < 5 ? ternary_digit(panel.word_of_pieces(i), b) : ternary_digit(panel.word_of_pieces(8 + i % 4), 2 * (b - 5) + half);
    }

    template <class Source>
    __device__ static Block read(const Source& panel, int b) {
        Block to;
        uint4 first = panel.piece(b < 5 ? 0 : 2);
        uint4 second = panel.piece(b < 5 ? 1 : 2);
        int digit = b < 5 ? b : 2 * (b - 5);
        int next = b < 5 ? b : digit + 1;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            to.words[i] = ternary_digit(select(first, i), digit);
            to.words[4 + i] = b < 7 ? ternary_digit(select(second, i), next) : ternary_digit(panel.word(12), i);
        }
        to.scale = half_bits(panel.half(26));
        return to;
    }
};
