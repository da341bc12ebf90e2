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

void nibble_quantize(const float *x, int64_t blocks, int8_t *integers, float *scales, int32_t *sums) {
    for (int64_t b = 0; b < blocks; b++) {
        __m512i first, second;
        scales[b] = quantize_block(x + b * BLOCK, &first, &second);
        _mm_storeu_si128((__m128i *)(integers + b * BLOCK), _mm512_cvtepi32_epi8(first));
        _mm_storeu_si128((__m128i *)(integers + b * BLOCK + HALF_BLOCK), _mm512_cvtepi32_epi8(second));
        sums[2 * b] = _mm512_reduce_add_epi32(first);
        sums[2 * b + 1] = _mm512_reduce_add_epi32(second);
    }
}

#else

int32_t nibble_cpu_supported(void) {
    return 0;
}

#endif
