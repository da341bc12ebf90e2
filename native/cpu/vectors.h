/* What all files with vector code begin with. */
#ifndef NIBBLE_VECTORS_H
#define NIBBLE_VECTORS_H

#include "nibble_cpu.h"
#include <immintrin.h>

#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c")

#define ALWAYS static inline __attribute__((always_inline))

/* Floats in a vector. */
enum { LANES = 16 };

/* 1.5 * 2^23: added to a small float, it rounds it to an integer, which then stands in the low bits. */
static const float ROUNDER = 12582912.0f;

/* The lanes of the last vector of `count` floats, at `i`. */
ALWAYS __mmask16 lanes(int64_t i, int64_t count) {
    return count - i >= LANES ? 0xffff : (__mmask16)((1u << (count - i)) - 1);
}

/* x times 2 to the power of the integer in the low bits of `shifted`. */
ALWAYS __m512 times_power(__m512 x, __m512 shifted) {
    __m512i power = _mm512_slli_epi32(_mm512_castps_si512(shifted), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x), power));
}

#endif
