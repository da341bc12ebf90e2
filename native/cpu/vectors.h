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

/* 16-bit floats in the low halves of lanes. */
ALWAYS __m512 low_halves(__m512i line) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(line));
}

/* 16-bit floats in the high halves of lanes. */
ALWAYS __m512 high_halves(__m512i line) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(line, 16)));
}

ALWAYS __m512i rounded(__m512 x, float inverse) {
    __m512 shifted = _mm512_add_ps(_mm512_mul_ps(x, _mm512_set1_ps(inverse)), _mm512_set1_ps(128.5f));
    return _mm512_sub_epi32(_mm512_cvttps_epi32(shifted), _mm512_set1_epi32(128));
}

/* The integers of a block, as nibble_quantize defines them; returns the scale. */
ALWAYS float quantize_block(const float *x, __m512i *first, __m512i *second) {
    __m512 low = _mm512_loadu_ps(x);
    __m512 high = _mm512_loadu_ps(x + HALF_BLOCK);
    /* Magnitudes are ordered as their bits are; so a NaN is the largest, and the scale tells of it. */
    __m512i largest = _mm512_max_epi32(_mm512_castps_si512(_mm512_abs_ps(low)), _mm512_castps_si512(_mm512_abs_ps(high)));
    float amax = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(largest))));
    float inverse = amax == 0 ? 0 : 127 / amax;
    *first = rounded(low, inverse);
    *second = rounded(high, inverse);
    return amax / 127;
}

#endif
