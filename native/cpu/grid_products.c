/* Products of weights that are points of a grid: see nibble_cpu.h. */
#include "nibble_cpu.h"

#if defined(__x86_64__)
#include "tasks.h"
#include "grids.h"

/* For each grid, the codes of its points, (half of a point, point); written once, before any product. */
static _Alignas(64) uint8_t codes[2 * ALL_POINTS];

ALWAYS uint8_t *codes_of(int64_t grid) {
    int64_t at = 0;
    for (int64_t i = 0; i < grid; i++) {
        at += 2 * POINTS[i];
    }
    return codes + at;
}

int32_t nibble_grids_supported(void) {
    __builtin_cpu_init();
    return nibble_cpu_supported() && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("gfni") &&
           __builtin_cpu_supports("bmi2");
}

void nibble_set_grid(int64_t grid, const uint8_t *points) {
    __builtin_memcpy(codes_of(grid), points, 2 * (size_t)POINTS[grid]);
}

/* What is counted for 0 in a half of the rows. */
ALWAYS __m512i zeros(enum type type, const uint8_t *at, int half) {
    const __m512i nine = _mm512_set1_epi32(9);
    if (has_signs(type)) {
        return _mm512_set1_epi32(ZERO);
    }
    if (type == IQ1_M) {
        return nine;
    }
    __mmask16 minus = _mm512_test_epi32_mask(nibbles(plane(at + 2 * LINE, 3, half)), _mm512_set1_epi32(8));
    return _mm512_mask_blend_epi32(minus, _mm512_set1_epi32(7), nine);
}

/* 32 rows by 32 columns. */
typedef struct {
    __m512i weights[2][GROUPS]; /* (half, group); of half blocks with scales of their own: see part() */
    __m512i zeros[2];           /* (half) */
    __m512i steps[2][2];        /* (half block, half) */
} block;

/* Two groups, of which each has 16 bits of both half blocks: brought to two that have those of one. */
ALWAYS void part(__m512i *groups) {
    const __m512i low = _mm512_set1_epi32(0xffff);
    __m512i first = _mm512_ternarylogic_epi32(low, groups[0], _mm512_slli_epi32(groups[1], 16), 0xca); /* low ? a : b */
    groups[1] = _mm512_ternarylogic_epi32(low, _mm512_srli_epi32(groups[0], 16), groups[1], 0xca);
    groups[0] = first;
}

ALWAYS void read_block(
        enum type type, const uint8_t *table, const __m512i *levels, const uint8_t *panel, const uint8_t *at, int64_t b, block *to) {
    halves codes[4];
    read_points(type, table, panel, at, b, codes);
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
        __m512i signs[SIGN_BITS];
        if (has_signs(type)) {
            read_signs(type, at + number_words(type) * WORD + half * LINE, signs);
        }
        const __mmask64 minus = type == IQ1_M ? plane(at + 2 * LINE, 3, half) : 0;
#pragma GCC unroll 8
        for (int group = 0; group < GROUPS; group++) {
            __m512i weights = counts(type, codes, signs, levels, group, half);
            to->weights[half][group] = type == IQ1_M ? _mm512_mask_sub_epi8(weights, minus, weights, _mm512_set1_epi8(2)) : weights;
        }
        if (has_half_scales(type)) {
#pragma GCC unroll 4
            for (int group = 0; group < GROUPS; group += 2) {
                part(to->weights[half] + group);
            }
        }
        to->zeros[half] = zeros(type, at, half);
        to->steps[0][half] = steps(type, panel, at, b, 0, half);
        to->steps[1][half] = has_half_scales(type) ? steps(type, panel, at, b, 1, half) : to->steps[0][half];
    }
}

/* Less what zeros come to, times steps. xsum: the sum of a block or half block of a token. */
ALWAYS __m512i exact(enum type type, __m512i counted, __m512i zeros, __m512i steps, int32_t xsum) {
    __m512i zero = has_signs(type) ? _mm512_set1_epi32(ZERO * xsum) : _mm512_mullo_epi32(zeros, _mm512_set1_epi32(xsum));
    return _mm512_mullo_epi32(_mm512_sub_epi32(counted, zero), steps);
}

/*
 * The exact products of a block with a token, times steps, for the halves of the rows. x: as ordered() has them; xsums: of the token's
 * half blocks.
 */
ALWAYS halves multiply(enum type type, const block *weights, const int32_t *x, const int32_t *xsums) {
    const __m512i none = _mm512_setzero_si512();
    __m512i sums[2][2] = {{none, none}, {none, none}};
    halves products;
#pragma GCC unroll 8
    for (int group = 0; group < GROUPS; group++) {
        const __m512i four = _mm512_set1_epi32(x[group]);
        sums[0][group % 2] = _mm512_dpbusd_epi32(sums[0][group % 2], weights->weights[0][group], four);
        sums[1][group % 2] = _mm512_dpbusd_epi32(sums[1][group % 2], weights->weights[1][group], four);
    }
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
        const __m512i zero = weights->zeros[half];
        const __m512i step = weights->steps[0][half];
        if (has_half_scales(type)) {
            __m512i second = exact(type, sums[half][1], zero, weights->steps[1][half], xsums[1]);
            products.of[half] = _mm512_add_epi32(exact(type, sums[half][0], zero, step, xsums[0]), second);
        } else {
            products.of[half] = exact(type, _mm512_add_epi32(sums[half][0], sums[half][1]), zero, step, xsums[0] + xsums[1]);
        }
    }
    return products;
}

/* Brings a token's block into the order of the weights. */
ALWAYS void ordered(enum type type, const int8_t *x, int8_t *to) {
    const __m256i blocks = _mm256_setr_epi8(0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3, 11, 19, 27, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14,
                                            22, 30, 7, 15, 23, 31);
    const __m256i half_blocks = _mm256_setr_epi8(0, 8, 1, 9, 16, 24, 17, 25, 2, 10, 3, 11, 18, 26, 19, 27, 4, 12, 5, 13, 20, 28, 21, 29,
                                                 6, 14, 7, 15, 22, 30, 23, 31);
    __m256i order = has_half_scales(type) ? half_blocks : blocks;
    _mm256_store_si256((__m256i *)to, _mm256_permutexvar_epi8(order, _mm256_loadu_si256((const __m256i *)x)));
}

/* A tile times one token, its blocks in order: the results stay in registers. */
ALWAYS void one_token(
        enum type type, const uint8_t *tile, int64_t columns, const int8_t *x, const float *xscales, const int32_t *xsums,
        __m512 *results) {
    const uint8_t *table = codes_of(grid_of(type));
    const uint8_t *panel = tile;
    __m512i levels[SIGN_BITS];
    read_levels(type, levels);
    for (int64_t column = 0; column < columns; column += PANEL) {
        const uint8_t *at = panel + head_lines(type) * LINE;
        __m512 factors[2], products[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        for (int64_t b = 0; b < PANEL / BLOCK; b++, at += block_lines(type) * LINE) {
            block weights;
            int64_t i = column / BLOCK + b;
            read_block(type, table, levels, panel, at, b, &weights);
            halves sums = multiply(type, &weights, (const int32_t *)(x + i * BLOCK), xsums + 2 * i);
            products[0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums.of[0]), _mm512_set1_ps(xscales[i]), products[0]);
            products[1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums.of[1]), _mm512_set1_ps(xscales[i]), products[1]);
        }
        read_factors(type, panel, factors);
        results[0] = _mm512_fmadd_ps(products[0], factors[0], results[0]);
        results[1] = _mm512_fmadd_ps(products[1], factors[1], results[1]);
        panel = at;
    }
}

/* A tile times some tokens: a block of weights stays near while they pass. */
ALWAYS void many_tokens(enum type type, const uint8_t *tile, int64_t columns, some_tokens *some) {
    const uint8_t *table = codes_of(grid_of(type));
    const uint8_t *panel = tile;
    __m512i levels[SIGN_BITS];
    read_levels(type, levels);
    for (int64_t column = 0; column < columns; column += PANEL) {
        const uint8_t *at = panel + head_lines(type) * LINE;
        __m512 factors[2];
        read_factors(type, panel, factors);
        for (int64_t b = 0; b < PANEL / BLOCK; b++, at += block_lines(type) * LINE) {
            block weights;
            int64_t i = column / BLOCK + b;
            read_block(type, table, levels, panel, at, b, &weights);
            for (int64_t t = 0; t < some->count; t++) {
                const __m512 scale = _mm512_set1_ps(some->scales[t][i]);
                _Alignas(32) int8_t x[BLOCK];
                ordered(type, some->x[t] + i * BLOCK, x);
                halves sums = multiply(type, &weights, (const int32_t *)x, some->sums[t] + 2 * i);
#pragma GCC unroll 2
                for (int half = 0; half < 2; half++) {
                    float *to = some->results + t * TILE_ROWS + 16 * half;
                    __m512 by = _mm512_mul_ps(scale, factors[half]);
                    _mm512_store_ps(to, _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums.of[half]), by, _mm512_load_ps(to)));
                }
            }
        }
        panel = at;
    }
}

/* All tiles times a single token of at most ORDERED_COLUMNS. */
ALWAYS void single(enum type type, const task *t) {
    _Alignas(64) int8_t x[ORDERED_COLUMNS];
    const int64_t in = t->inputs ? t->inputs[0] : 0;
    const int64_t blocks = t->columns / BLOCK;
    for (int64_t i = 0; i < blocks; i++) {
        ordered(type, t->integers + in * t->columns + i * BLOCK, x + i * BLOCK);
    }
    for (int64_t tile = 0; tile < t->count; tile++) {
        __m512 results[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
        const uint8_t *weights = t->tiles + tile * t->tile_bytes;
        one_token(type, weights, t->columns, x, t->scales + in * blocks, t->sums + 2 * in * blocks, results);
        finish(t, tile, 0, results[0], results[1]);
    }
}

ALWAYS void product(enum type type, const task *t) {
    if (t->tokens == 1 && t->columns <= ORDERED_COLUMNS) {
        single(type, t);
        return;
    }
    for (int64_t tile = 0; tile < t->count; tile++) {
        for (int64_t begin = 0; begin < t->tokens; begin += CHUNK) {
            some_tokens some;
            choose_tokens(t, begin, &some);
            many_tokens(type, t->tiles + tile * t->tile_bytes, t->columns, &some);
            finish_tokens(t, tile, begin, &some);
        }
    }
}

#define PRODUCT(name, type)                                                                                                        \
    NIBBLE_PRODUCT(name) {                                                                                                         \
        const task t = NIBBLE_TASK;                                                                                                \
        product(type, &t);                                                                                                         \
    }

PRODUCT(nibble_product_iq1_s, IQ1_S)
PRODUCT(nibble_product_iq1_m, IQ1_M)
PRODUCT(nibble_product_iq2_xxs, IQ2_XXS)
PRODUCT(nibble_product_iq2_xs, IQ2_XS)
PRODUCT(nibble_product_iq2_s, IQ2_S)
PRODUCT(nibble_product_iq3_xxs, IQ3_XXS)
PRODUCT(nibble_product_iq3_s, IQ3_S)

#else

int32_t nibble_grids_supported(void) {
    return 0;
}

#endif
