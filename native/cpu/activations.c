/* Quantizing activations, and what the processor offers; see nibble_cpu.h. */
#include "nibble_cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>

int32_t nibble_cpu_supported(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

#include "vectors.h"

static __m512i round_to_integers(__m512 x, float inverse) {
    __m512 shifted = _mm512_add_ps(_mm512_mul_ps(x, _mm512_set1_ps(inverse)), _mm512_set1_ps(128.5f));
    return _mm512_sub_epi32(_mm512_cvttps_epi32(shifted), _mm512_set1_epi32(128));
}

void nibble_quantize(const float *x, int64_t blocks, int8_t *integers, float *scales, int32_t *sums) {
    for (int64_t b = 0; b < blocks; b++) {
        __m512 first = _mm512_loadu_ps(x + b * BLOCK);
        __m512 second = _mm512_loadu_ps(x + b * BLOCK + HALF_BLOCK);
        /* Magnitudes are ordered as their bits are; so a NaN is the largest, and the scale tells of it. */
        __m512i largest = _mm512_max_epi32(_mm512_castps_si512(_mm512_abs_ps(first)), _mm512_castps_si512(_mm512_abs_ps(second)));
        float amax = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(_mm512_reduce_max_epi32(largest))));
        float inverse = amax == 0 ? 0 : 127 / amax;
        __m512i q0 = round_to_integers(first, inverse);
        __m512i q1 = round_to_integers(second, inverse);
        _mm_storeu_si128((__m128i *)(integers + b * BLOCK), _mm512_cvtepi32_epi8(q0));
        _mm_storeu_si128((__m128i *)(integers + b * BLOCK + HALF_BLOCK), _mm512_cvtepi32_epi8(q1));
        scales[b] = amax / 127;
        sums[2 * b] = _mm512_reduce_add_epi32(q0);
        sums[2 * b + 1] = _mm512_reduce_add_epi32(q1);
    }
}

#else

int32_t nibble_cpu_supported(void) {
    return 0;
}

#endif
