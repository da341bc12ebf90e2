// Reading the rows of a cache: pieces of 16 bytes of a key, columns of a value.
#pragma once

#include <cuda_fp16.h>

#include "cache.cuh"

// Two halves that stand in a word.
__device__ inline float2 halves(unsigned word) {
    return __half22float2(*reinterpret_cast<const __half2 *>(&word));
}

// Four bytes as floats, each less `zero`, at most 255: below 2^23, an integer is the low bits of a float of 2^23 and it.
__device__ inline float4 bytes(unsigned word, int zero) {
    const unsigned exponent = 0x4b000000;
    float offset = 8388608.0f + zero;
    return make_float4(
            __uint_as_float(__byte_perm(word, exponent, 0x7540)) - offset,
            __uint_as_float(__byte_perm(word, exponent, 0x7541)) - offset,
            __uint_as_float(__byte_perm(word, exponent, 0x7542)) - offset,
            __uint_as_float(__byte_perm(word, exponent, 0x7543)) - offset);
}

// Words of the COLUMNS values from a place on: of two, four or eight bytes.
template <int BYTES> struct Words {
    unsigned word[BYTES < 4 ? 1 : BYTES / 4];

    __device__ explicit Words(const unsigned char *at) {
        if constexpr (BYTES == 2) {
            word[0] = *reinterpret_cast<const unsigned short *>(at);
        } else if constexpr (BYTES == 4) {
            word[0] = *reinterpret_cast<const unsigned *>(at);
        } else if constexpr (BYTES == 8) {
            uint2 words = *reinterpret_cast<const uint2 *>(at);
            word[0] = words.x;
            word[1] = words.y;
        } else {
            for (int i = 0; i < BYTES / 16; i++) {
                uint4 words = reinterpret_cast<const uint4 *>(at)[i];
                word[4 * i] = words.x;
                word[4 * i + 1] = words.y;
                word[4 * i + 2] = words.z;
                word[4 * i + 3] = words.w;
            }
        }
    }
};

// COLUMNS values of a row, those from `column` on: two, four or eight.
template <Cache TYPE, int COLUMNS>
__device__ inline void read_columns(const unsigned char *row, const unsigned short *scales, int column, float *out) {
    if constexpr (TYPE == Cache::f32) {
        Words<COLUMNS * 4> words(row + column * 4);
        for (int i = 0; i < COLUMNS; i++) {
            out[i] = __uint_as_float(words.word[i]);
        }
    } else if constexpr (TYPE == Cache::f16) {
        Words<COLUMNS * 2> words(row + column * 2);
        for (int i = 0; i < COLUMNS / 2; i++) {
            float2 two = halves(words.word[i]);
            out[2 * i] = two.x;
            out[2 * i + 1] = two.y;
        }
    } else {
        constexpr bool nibbles = TYPE == Cache::q4_0;
        int block = column / BLOCK;
        float scale = scale_of(scales[block]);
        int shift = nibbles ? column / 16 % 2 * 4 : 0;
        Words<COLUMNS> words(row + (nibbles ? block * 16 + column % 16 : column));
        for (int i = 0; i < COLUMNS; i += 4) {
            unsigned word = words.word[i / 4];
            // Signed bytes are 128 too large with their first bit turned over.
            float4 four = nibbles ? bytes(word >> shift & 0x0f0f0f0f, 8) : bytes(word ^ 0x80808080, 128);
            for (int j = 0; j < 4 && i + j < COLUMNS; j++) {
                out[i + j] = (&four.x)[j] * scale;
            }
        }
    }
}

// Values in a piece of 16 bytes of a key of floats.
template <Cache TYPE> constexpr int PIECE = TYPE == Cache::f32 ? 4 : 8;

template <Cache TYPE> __device__ inline void read_piece(const unsigned char *at, float *out) {
    read_columns<TYPE, PIECE<TYPE>>(at, nullptr, 0, out);
}
