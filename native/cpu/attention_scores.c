/* Products of attention with keys and values of quantized types: see nibble_cpu.h and KvBlock.java. */
#include "nibble_cpu.h"

#if defined(__x86_64__)
#include "vectors.h"

/* Queries that meet a block while it is in registers. */
enum { QUERIES = 4 };

/* Tokens of a group; bytes of their scales in a block. */
enum { GROUP = 32, SCALES = 2 * GROUP };

/* The distance between the weights of queries. */
enum { WEIGHTS_STRIDE = 64 };

ALWAYS int zero_of(int bits) {
    return bits == 8 ? 128 : 8;
}

ALWAYS int words_of(int bits) {
    return BLOCK * bits / 32;
}

/* 32 integers in the order of the bytes that they meet: a word has its first integer on top, 4-bit ones first even, then odd places. */
ALWAYS __m256i ordered(int bits, __m256i integers) {
    const __m128i order = bits == 8 ? _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
                                    : _mm_setr_epi8(6, 4, 2, 0, 7, 5, 3, 1, 14, 12, 10, 8, 15, 13, 11, 9);
    return _mm256_shuffle_epi8(integers, _mm256_broadcastsi128_si256(order));
}

ALWAYS void query(
        int bits, const float *x, int64_t size, float factor, int8_t *integers, float *scales, int32_t *starts, int64_t stride) {
    for (int64_t b = 0; b < size / BLOCK; b++) {
        __m512i first, second;
        scales[b * stride] = quantize_block(x + b * BLOCK, &first, &second) * factor;
        __m256i both = _mm256_set_m128i(_mm512_cvtepi32_epi8(second), _mm512_cvtepi32_epi8(first));
        _mm256_storeu_si256((__m256i *)(integers + b * BLOCK), ordered(bits, both));
        starts[b * stride] = -zero_of(bits) * _mm512_reduce_add_epi32(_mm512_add_epi32(first, second));
    }
}

void nibble_attention_query(
        int64_t bits, const float *x, int64_t size, float factor, int8_t *integers, float *scales, int32_t *starts, int64_t stride) {
    if (bits == 8) {
        query(8, x, size, factor, integers, scales, starts, stride);
    } else {
        query(4, x, size, factor, integers, scales, starts, stride);
    }
}

/* Adds the products of a word of each of 16 tokens; of 4-bit integers there are two words of the query. */
ALWAYS __m512i multiply(int bits, __m512i sum, __m512i w, const int32_t *q) {
    if (bits == 8) {
        return _mm512_dpbusd_epi32(sum, w, _mm512_set1_epi32(q[0]));
    }
    const __m512i low = _mm512_set1_epi32(0x0f0f0f0f);
    sum = _mm512_dpbusd_epi32(sum, _mm512_and_si512(_mm512_srli_epi32(w, 4), low), _mm512_set1_epi32(q[0]));
    return _mm512_dpbusd_epi32(sum, _mm512_and_si512(w, low), _mm512_set1_epi32(q[1]));
}

/* Adds the scores of four queries against one block to their totals for tokens 0 ... 15 and 16 ... 31. */
ALWAYS void block_scores(
        int bits, const uint8_t *block, int64_t size, const int8_t *integers, const float *scales, const int32_t *starts,
        __m512 totals[QUERIES][2]) {
    const __m512i zeros = _mm512_set1_epi32(bits == 8 ? (int32_t)0x80808080 : (int32_t)0x88888888);
    const __m512i line = _mm512_loadu_si512(block);
    const __m512 scale[2] = {
        _mm512_castsi512_ps(_mm512_slli_epi32(line, 16)),
        _mm512_castsi512_ps(_mm512_and_si512(line, _mm512_set1_epi32((int32_t)0xffff0000)))};
    __m512i sums[QUERIES][2];
#pragma GCC unroll 4
    for (int i = 0; i < QUERIES; i++) {
        sums[i][0] = _mm512_set1_epi32(starts[i]);
        sums[i][1] = sums[i][0];
    }
#pragma GCC unroll 8
    for (int g = 0; g < words_of(bits); g++) {
        const uint8_t *word = block + SCALES + g * 4 * GROUP;
        __m512i w0 = _mm512_xor_si512(_mm512_loadu_si512(word), zeros);
        __m512i w1 = _mm512_xor_si512(_mm512_loadu_si512(word + 64), zeros);
#pragma GCC unroll 4
        for (int i = 0; i < QUERIES; i++) {
            const int32_t *q = (const int32_t *)(integers + i * size) + g * (8 / bits);
            sums[i][0] = multiply(bits, sums[i][0], w0, q);
            sums[i][1] = multiply(bits, sums[i][1], w1, q);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < QUERIES; i++) {
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {
            __m512 by = _mm512_mul_ps(scale[half], _mm512_set1_ps(scales[i]));
            totals[i][half] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[i][half]), by, totals[i][half]);
        }
    }
}

ALWAYS void group_scores(
        int bits, const uint8_t *group, int64_t size, int64_t queries, const int8_t *integers, const float *scales,
        const int32_t *starts, int64_t stride, float *scores, int64_t width) {
    const int bytes = SCALES + words_of(bits) * 4 * GROUP;
    for (int64_t i = 0; i < queries; i += QUERIES) {
        __m512 totals[QUERIES][2];
        for (int j = 0; j < QUERIES; j++) {
            totals[j][0] = _mm512_setzero_ps();
            totals[j][1] = _mm512_setzero_ps();
        }
        for (int64_t b = 0; b < size / BLOCK; b++) {
            int64_t at = b * stride + i;
            block_scores(bits, group + b * bytes, size, integers + i * size + b * BLOCK, scales + at, starts + at, totals);
        }
        for (int j = 0; j < QUERIES; j++) {
            _mm512_storeu_ps(scores + (i + j) * width, totals[j][0]);
            _mm512_storeu_ps(scores + (i + j) * width + 16, totals[j][1]);
        }
    }
}

void nibble_attention_scores(
        int64_t bits, const uint8_t *group, int64_t size, int64_t queries, const int8_t *integers, const float *scales,
        const int32_t *starts, int64_t stride, float *scores, int64_t width) {
    if (bits == 8) {
        group_scores(8, group, size, queries, integers, scales, starts, stride, scores, width);
    } else {
        group_scores(4, group, size, queries, integers, scales, starts, stride, scores, width);
    }
}

/* The weights of a token times the scale of its values. */
ALWAYS void scaled_weights(const uint8_t *block, int64_t tokens, const float *weights, float scaled[QUERIES][GROUP]) {
    const __m512i line = _mm512_loadu_si512(block);
    const __m512 low = _mm512_castsi512_ps(_mm512_slli_epi32(line, 16));
    const __m512 high = _mm512_castsi512_ps(_mm512_and_si512(line, _mm512_set1_epi32((int32_t)0xffff0000)));
    const __mmask32 counted = tokens < GROUP ? (1u << tokens) - 1 : ~0u;
    for (int i = 0; i < QUERIES; i++) {
        const float *from = weights + i * WEIGHTS_STRIDE;
        _mm512_storeu_ps(scaled[i], _mm512_maskz_mul_ps((__mmask16)counted, low, _mm512_loadu_ps(from)));
        _mm512_storeu_ps(scaled[i] + 16, _mm512_maskz_mul_ps((__mmask16)(counted >> 16), high, _mm512_loadu_ps(from + 16)));
    }
}

ALWAYS void add_values(int bits, const uint8_t *block, int64_t tokens, const float *weights, float *sums, int64_t stride) {
    _Alignas(64) float scaled[QUERIES][GROUP];
    scaled_weights(block, tokens, weights, scaled);
    __m512 totals[QUERIES][2];
#pragma GCC unroll 4
    for (int i = 0; i < QUERIES; i++) {
        totals[i][0] = _mm512_loadu_ps(sums + i * stride);
        totals[i][1] = _mm512_loadu_ps(sums + i * stride + 16);
    }
    const int per_word = 16 / bits;
    const uint8_t *word = block + SCALES;
    for (int64_t token = 0; token < tokens; word += 64) {
        __m512i w = _mm512_loadu_si512(word);
#pragma GCC unroll 4
        for (int next = 0; next < per_word; next++, token++) {
            __m512 first = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(w, 2 * bits * next), 32 - bits));
            __m512 second = _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(w, 2 * bits * next + bits), 32 - bits));
#pragma GCC unroll 4
            for (int i = 0; i < QUERIES; i++) {
                __m512 by = _mm512_set1_ps(scaled[i][token]);
                totals[i][0] = _mm512_fmadd_ps(by, first, totals[i][0]);
                totals[i][1] = _mm512_fmadd_ps(by, second, totals[i][1]);
            }
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < QUERIES; i++) {
        _mm512_storeu_ps(sums + i * stride, totals[i][0]);
        _mm512_storeu_ps(sums + i * stride + 16, totals[i][1]);
    }
}

void nibble_attention_values(
        int64_t bits, const uint8_t *block, int64_t tokens, const float *weights, float *sums, int64_t stride) {
    if (bits == 8) {
        add_values(8, block, tokens, weights, sums, stride);
    } else {
        add_values(4, block, tokens, weights, sums, stride);
    }
}

#endif
