/* Products of packed weights with quantized activations: see nibble_cpu.h. */
#include "nibble_cpu.h"

#if defined(__x86_64__)
#include "layouts.h"
#include "tasks.h"

/* The exact sums of a block's products with one scale, 32 bits, for rows 0 ... 15 and 16 ... 31. */
ALWAYS void whole_sums(const block *weights, const int8_t *x, int start, __m512i *sums) {
    sums[0] = _mm512_set1_epi32(start);
    sums[1] = sums[0];
#pragma GCC unroll 8
    for (int g = 0; g < 8; g++) {
        __m512i four = _mm512_set1_epi32(((const int32_t *)x)[g]);
        sums[0] = _mm512_dpbusd_epi32(sums[0], weights->w[0][g], four);
        sums[1] = _mm512_dpbusd_epi32(sums[1], weights->w[1][g], four);
    }
}

/*
 * Adds the exact sums of a block's products times the scales of their half blocks. 16 bits hold four products of 6 bits, and 16 of 3
 * bits.
 */
ALWAYS void half_sums(enum quants quants, const block *weights, const int8_t *x, __m512i *sums) {
    const int fit = quants == SIX_BITS ? 2 : 8;
    __m512i some[2];
#pragma GCC unroll 8
    for (int g = 0; g < 8; g++) {
        __m512i four = _mm512_set1_epi32(((const int32_t *)x)[g]);
#pragma GCC unroll 2
        for (int i = 0; i < 2; i++) {
            __m512i two = _mm512_maddubs_epi16(weights->w[i][g], four);
            some[i] = g % fit == 0 ? two : _mm512_add_epi16(some[i], two);
            if (g % fit == fit - 1) {
                sums[i] = _mm512_dpwssd_epi32(sums[i], some[i], weights->half_scales[i]);
            }
        }
    }
}

/* Whether 16 bits hold the sum of half a block's activations times the integer that means 0. */
ALWAYS int zero_fits(enum quants quants, enum scales scales) {
    return zero_of(quants, scales) * HALF_BLOCK * 127 < 1 << 15;
}

/*
 * The sum of a block's activations, or 16 bits for that of each half, if the weights have scales for halves: then times what takes the
 * integer that means 0 out of products, if there is one and it fits.
 */
ALWAYS int32_t block_sum(enum quants quants, enum scales scales, const int32_t *halves) {
    if (!has_half_blocks(scales)) {
        return halves[0] + halves[1];
    }
    const int zero = zero_of(quants, scales);
    const int factor = zero && zero_fits(quants, scales) ? -zero : 1;
    return (factor * halves[0] & 0xffff) | (int32_t)((uint32_t)(factor * halves[1]) << 16);
}

/* Adds a token's product with a block to its results. x is in the order of the weights. */
ALWAYS void multiply(
        enum quants quants, enum scales scales, const block *weights, const int8_t *x, float scale, int32_t sum, __m512 *results) {
    const int zero = zero_of(quants, scales);
    const __m512i both = _mm512_set1_epi32(sum);
    const __m512i none = _mm512_setzero_si512();
    const int folded = has_half_blocks(scales) && zero && zero_fits(quants, scales);
    __m512i products[2] = {none, none};
    if (folded) {
        products[0] = _mm512_dpwssd_epi32(none, weights->half_scales[0], both);
        products[1] = _mm512_dpwssd_epi32(none, weights->half_scales[1], both);
    }
    if (has_half_blocks(scales)) {
        half_sums(quants, weights, x, products);
    } else {
        whole_sums(weights, x, -zero * sum, products);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        __m512i offsets = both;
        if (has_half_blocks(scales) && zero && !folded) {
            __m512i zeros = _mm512_dpwssd_epi32(none, weights->half_scales[i], both);
            products[i] = _mm512_sub_epi32(products[i], _mm512_mullo_epi32(zeros, _mm512_set1_epi32(zero)));
        } else if (has_half_blocks(scales) && !zero) {
            offsets = _mm512_dpwssd_epi32(none, weights->half_minima[i], both);
        }
        __m512 by = _mm512_mul_ps(weights->scale[i], _mm512_set1_ps(scale));
        results[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products[i]), by, results[i]);
        if (has_offsets(scales)) {
            by = _mm512_mul_ps(_mm512_cvtepi32_ps(offsets), _mm512_set1_ps(scale));
            results[i] = _mm512_fmadd_ps(weights->offset[i], by, results[i]);
        }
    }
}

/* A tile times one token, with x in the order of the weights and a sum for each block: the results stay in registers. */
ALWAYS void one_token(
        enum quants quants, enum scales scales, const uint8_t *tile, int64_t columns, const int8_t *x, const float *xscales,
        const int32_t *sums, __m512 *results) {
    const int step = scale_lines(scales) * LINE + words_of(quants) * WORD;
    const uint8_t *panel = tile;
    for (int64_t column = 0; column < columns; column += PANEL) {
        int64_t blocks = (columns - column < PANEL ? columns - column : PANEL) / BLOCK;
        const uint8_t *at = panel + header_lines(scales) * LINE;
        for (int64_t b = 0; b < blocks; b++, at += step) {
            block weights;
            int64_t i = column / BLOCK + b;
            read_scales(scales, panel, at, b, &weights);
            read_quants(quants, at + scale_lines(scales) * LINE, &weights);
            multiply(quants, scales, &weights, x + i * BLOCK, xscales[i], sums[i], results);
        }
        panel = at;
    }
}

/* A tile times up to CHUNK tokens: a block of weights stays in registers while they pass. */
ALWAYS void many_tokens(
        enum quants quants, enum scales scales, const uint8_t *tile, int64_t columns, some_tokens *some) {
    const int step = scale_lines(scales) * LINE + words_of(quants) * WORD;
    const uint8_t *panel = tile;
    for (int64_t column = 0; column < columns; column += PANEL) {
        int64_t blocks = (columns - column < PANEL ? columns - column : PANEL) / BLOCK;
        const uint8_t *at = panel + header_lines(scales) * LINE;
        for (int64_t b = 0; b < blocks; b++, at += step) {
            block weights;
            int64_t i = column / BLOCK + b;
            read_scales(scales, panel, at, b, &weights);
            read_quants(quants, at + scale_lines(scales) * LINE, &weights);
            for (int64_t t = 0; t < some->count; t++) {
                float *to = some->results + t * TILE_ROWS;
                _Alignas(16) int8_t reordered[BLOCK];
                const int8_t *columns_x = ordered(quants, some->x[t] + i * BLOCK, reordered);
                int32_t sum = block_sum(quants, scales, some->sums[t] + 2 * i);
                __m512 both[2] = {_mm512_load_ps(to), _mm512_load_ps(to + 16)};
                multiply(quants, scales, &weights, columns_x, some->scales[t][i], sum, both);
                _mm512_store_ps(to, both[0]);
                _mm512_store_ps(to + 16, both[1]);
            }
        }
        panel = at;
    }
}

/* A tile times CHUNK tokens, or those that are left. */
ALWAYS void chunk(enum quants quants, enum scales scales, const task *t, int64_t tile, int64_t begin) {
    some_tokens some;
    choose_tokens(t, begin, &some);
    many_tokens(quants, scales, t->tiles + tile * t->tile_bytes, t->columns, &some);
    finish_tokens(t, tile, begin, &some);
}

/* All tiles times a single token of at most ORDERED_COLUMNS. */
ALWAYS void single(enum quants quants, enum scales scales, const task *t) {
    _Alignas(64) int8_t x[ORDERED_COLUMNS];
    int32_t sums[ORDERED_COLUMNS / BLOCK];
    int64_t in = t->inputs ? t->inputs[0] : 0;
    int64_t blocks = t->columns / BLOCK;
    for (int64_t i = 0; i < blocks; i++) {
        const int8_t *from = t->integers + in * t->columns + i * BLOCK;
        int8_t *to = x + i * BLOCK;
        if (ordered(quants, from, to) == from) {
            _mm256_store_si256((__m256i *)to, _mm256_loadu_si256((const __m256i *)from));
        }
        sums[i] = block_sum(quants, scales, t->sums + 2 * (in * blocks + i));
    }
    for (int64_t tile = 0; tile < t->count; tile++) {
        __m512 results[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        one_token(quants, scales, t->tiles + tile * t->tile_bytes, t->columns, x, t->scales + in * blocks, sums, results);
        finish(t, tile, 0, results[0], results[1]);
    }
}

ALWAYS void product(enum quants quants, enum scales scales, const task *t) {
    if (t->tokens == 1 && t->columns <= ORDERED_COLUMNS) {
        single(quants, scales, t);
        return;
    }
    for (int64_t tile = 0; tile < t->count; tile++) {
        for (int64_t begin = 0; begin < t->tokens; begin += CHUNK) {
            chunk(quants, scales, t, tile, begin);
        }
    }
}

#define PRODUCT(name, quants, scale_form)                                                                                          \
    NIBBLE_PRODUCT(name) {                                                                                                         \
        const task t = NIBBLE_TASK;                                                                                                \
        product(quants, scale_form, &t);                                                                                           \
    }

PRODUCT(nibble_product_q4_0, FOUR_BITS, HALVES)
PRODUCT(nibble_product_q4_1, FOUR_BITS, HALVES_AND_OFFSETS)
PRODUCT(nibble_product_q5_0, FIVE_BITS, HALVES)
PRODUCT(nibble_product_q5_1, FIVE_BITS, HALVES_AND_OFFSETS)
PRODUCT(nibble_product_q8_0, EIGHT_BITS, HALVES)
PRODUCT(nibble_product_q2_k, TWO_BITS, NIBBLES_OF_HALF_BLOCKS)
PRODUCT(nibble_product_q3_k, THREE_BITS, BYTES_OF_HALF_BLOCKS)
PRODUCT(nibble_product_q4_k, FOUR_BITS, BYTES_AND_MINIMA)
PRODUCT(nibble_product_q5_k, FIVE_BITS, BYTES_AND_MINIMA)
PRODUCT(nibble_product_q6_k, SIX_BITS, BYTES_OF_HALF_BLOCKS)
PRODUCT(nibble_product_iq4_nl, CODEBOOK, HALVES)
PRODUCT(nibble_product_iq4_xs, CODEBOOK, BYTES)
PRODUCT(nibble_product_mxfp4, E2M1, EXPONENTS)

#endif
