/* How the quants of blocks are packed into words, and unpacked to a byte for each column. */
#pragma once
#include "layout.cuh"

/* Quants of 4 bits: columns 4 i ... 4 i + 3 in the low halves of the bytes of word i, columns 16 + 4 i ... in the high halves. */
__device__ inline void low_then_high(uint4 packed, int* words) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        words[i] = select(packed, i) & 0x0f0f0f0f;
        words[4 + i] = select(packed, i) >> 4 & 0x0f0f0f0f;
    }
}

/* The fifth bits of 32 columns, that of column 4 i + j at bit 8 j + i. */
__device__ inline void fifth_bits(unsigned bits, int* words) {
#pragma unroll
    for (int i = 0; i < 8; i++) {
        words[i] |= (i < 4 ? bits << (4 - i) : bits >> (i - 4)) & 0x10101010;
    }
}

/* `width` bits of each byte of two pieces, 32 columns in order, from bit `shift` on. */
template <int width>
__device__ inline void bits_of_bytes(uint4 first, uint4 second, int shift, int* words) {
    constexpr unsigned mask = 0x01010101 * ((1 << width) - 1);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        words[i] = select(first, i) >> shift & mask;
        words[4 + i] = select(second, i) >> shift & mask;
    }
}

/* The same, as bits from `to` on of the words. */
template <int width, int to>
__device__ inline void more_bits_of_bytes(uint4 first, uint4 second, int shift, int* words) {
    int more[8];
    bits_of_bytes<width>(first, second, shift, more);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        words[i] |= more[i] << to;
    }
}

/* Codebooks: 16 signed bytes. Source: ggml. */
struct NonlinearCodes {
    /* -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 */
    static constexpr unsigned W0 = 0xbfad9881, W1 = 0xf6eaddcf, W2 = 0x26190d01, W3 = 0x71594535;
};

/* Twice the values of a sign bit, two exponent bits and a mantissa bit. Source: OCP Microscaling Formats 1.0. */
struct TwiceE2M1Codes {
    /* 0, 1, 2, 3, 4, 6, 8, 12, and their negatives */
    static constexpr unsigned W0 = 0x03020100, W1 = 0x0c080604, W2 = 0xfdfeff00, W3 = 0xf4f8fafc;
};

/* The codes that the four half bytes of the low half of `numbers` are the numbers of. */
template <class Codes>
__device__ inline int four_codes(unsigned numbers) {
    unsigned low_bits = numbers & 0x7777;
    unsigned lower = __byte_perm(Codes::W0, Codes::W1, low_bits);
    unsigned upper = __byte_perm(Codes::W2, Codes::W3, low_bits);
    return __byte_perm(lower, upper, (numbers >> 1 & 0x4444) | 0x3210);
}

/* Numbers of 4 bits in a codebook: column 8 w + n in half byte n of word w. */
template <class Codes>
__device__ inline void codes(uint4 packed, int* words) {
#pragma unroll
    for (int w = 0; w < 4; w++) {
        words[2 * w] = four_codes<Codes>(select(packed, w));
        words[2 * w + 1] = four_codes<Codes>(select(packed, w) >> 16);
    }
}
