/* Products of packed weights with quantized activations; see nibble_cpu.h, and the layouts in TileLayout.java. */
#include "nibble_cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,f16c")

#define ALWAYS static inline __attribute__((always_inline))

/* Tokens that pass one tile at a time: their sums, (token, row), stay in the first-level cache. */
enum { CHUNK = 64 };

/* How many bytes ahead weights are asked for, where the processor does not find the stream by itself: measured. */
enum { AHEAD = 4096 };

/* What one stored integer is: see QuantForm. */
enum quants { FOUR_BITS, FOUR_BITS_LESS_8, EIGHT_BITS_LESS_128, CODEBOOK };

/* Where its scale is: see ScaleForm. */
enum scales { HALVES, HALVES_AND_OFFSETS, BYTES_AND_MINIMA, BYTES };

/* A block of 32 rows by 32 columns: lane i of w[0][g] has columns 4 g ... 4 g + 3 of row i, w[1][g] those of row 16 + i. */
typedef struct {
    __m512i w[2][8];
    __m512 scale[2];
    __m512 offset[2];
} block;

/* The values of IQ4_NL and IQ4_XS, plus 128. Source: ggml. */
static const uint8_t CODES[16] = {1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241};

ALWAYS int zero_of(enum quants quants) {
    return quants == FOUR_BITS ? 0 : quants == FOUR_BITS_LESS_8 ? 8 : 128;
}

ALWAYS int quant_bytes(enum quants quants) {
    return (quants == EIGHT_BITS_LESS_128 ? 8 : 4) * WORD;
}

ALWAYS int header_bytes(enum scales scales) {
    return scales == BYTES_AND_MINIMA ? 2 * LINE : scales == BYTES ? 5 * LINE : 0;
}

ALWAYS int scale_bytes(enum scales scales) {
    return scales == HALVES_AND_OFFSETS ? 2 * LINE : scales == BYTES ? 0 : LINE;
}

ALWAYS int has_offsets(enum scales scales) {
    return scales == HALVES_AND_OFFSETS || scales == BYTES_AND_MINIMA;
}

ALWAYS int asks_ahead(enum quants quants, enum scales scales) {
    return quants != EIGHT_BITS_LESS_128 && scales != BYTES_AND_MINIMA;
}

ALWAYS __m512 low_halves(__m512i line) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(line));
}

ALWAYS __m512 high_halves(__m512i line) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(line, 16)));
}

/* Byte i of each lane, with its sign. */
ALWAYS __m512 signed_byte(__m512i line, int i) {
    return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(line, 24 - 8 * i), 24));
}

/* Byte i of each lane, without a sign. */
ALWAYS __m512 unsigned_byte(__m512i line, int i) {
    return _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(line, 8 * i), _mm512_set1_epi32(255)));
}

/* Reads scales and offsets of block b; `at` is where the block begins, `panel` where its panel does. */
ALWAYS void read_scales(enum scales scales, const uint8_t *panel, const uint8_t *at, int64_t b, block *to) {
    if (scales == HALVES || scales == HALVES_AND_OFFSETS) {
        __m512i line = _mm512_loadu_si512(at);
        to->scale[0] = low_halves(line);
        to->scale[1] = high_halves(line);
        if (scales == HALVES_AND_OFFSETS) {
            line = _mm512_loadu_si512(at + LINE);
            to->offset[0] = low_halves(line);
            to->offset[1] = high_halves(line);
        }
    } else if (scales == BYTES_AND_MINIMA) {
        __m512i factors = _mm512_loadu_si512(panel);
        __m512i offsets = _mm512_loadu_si512(panel + LINE);
        __m512i line = _mm512_loadu_si512(at);
        to->scale[0] = _mm512_mul_ps(unsigned_byte(line, 0), low_halves(factors));
        to->offset[0] = _mm512_mul_ps(unsigned_byte(line, 1), low_halves(offsets));
        to->scale[1] = _mm512_mul_ps(unsigned_byte(line, 2), high_halves(factors));
        to->offset[1] = _mm512_mul_ps(unsigned_byte(line, 3), high_halves(offsets));
    } else {
        __m512i factors = _mm512_loadu_si512(panel);
        __m512i line = _mm512_loadu_si512(panel + (1 + b / 2) * LINE);
        line = b % 2 ? line : _mm512_slli_epi32(line, 8);
        to->scale[0] = _mm512_mul_ps(signed_byte(line, 1), low_halves(factors));
        to->scale[1] = _mm512_mul_ps(signed_byte(line, 3), high_halves(factors));
    }
}

/* Brings 32 columns to bytes. */
ALWAYS void read_quants(enum quants quants, const uint8_t *at, block *to) {
    const __m512i low = _mm512_set1_epi8(15);
    const __m512i codes = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)CODES));
    /* Lines in the order of their addresses: the processor then finds the stream sooner. */
    if (quants == EIGHT_BITS_LESS_128) {
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            to->w[i % 2][i / 2] = _mm512_loadu_si512(at + i * LINE);
        }
        return;
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
        __m512i both = _mm512_loadu_si512(at + i * LINE);
        __m512i first = _mm512_and_si512(both, low);
        __m512i second = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
        to->w[i % 2][i / 2] = quants == CODEBOOK ? _mm512_shuffle_epi8(codes, first) : first;
        to->w[i % 2][4 + i / 2] = quants == CODEBOOK ? _mm512_shuffle_epi8(codes, second) : second;
    }
}

/* Adds a token's product with a block to its results. */
ALWAYS void multiply(
        enum quants quants, enum scales scales, const block *weights, const int8_t *x, float scale, const int32_t *halves,
        __m512 *result0, __m512 *result1) {
    int sum = halves[0] + halves[1];
    __m512i sum0 = _mm512_set1_epi32(-zero_of(quants) * sum);
    __m512i sum1 = sum0;
#pragma GCC unroll 8
    for (int g = 0; g < 8; g++) {
        __m512i four = _mm512_set1_epi32(((const int32_t *)x)[g]);
        sum0 = _mm512_dpbusd_epi32(sum0, weights->w[0][g], four);
        sum1 = _mm512_dpbusd_epi32(sum1, weights->w[1][g], four);
    }
    __m512 by = _mm512_set1_ps(scale);
    *result0 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum0), _mm512_mul_ps(weights->scale[0], by), *result0);
    *result1 = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum1), _mm512_mul_ps(weights->scale[1], by), *result1);
    if (has_offsets(scales)) {
        __m512 total = _mm512_set1_ps(scale * (float)sum);
        *result0 = _mm512_fmadd_ps(weights->offset[0], total, *result0);
        *result1 = _mm512_fmadd_ps(weights->offset[1], total, *result1);
    }
}

/* Stores the results of a tile's first `rows` rows. */
ALWAYS void store(uint8_t *out, const float *bias, int64_t rows, __m512 result0, __m512 result1) {
    __mmask16 mask0 = rows >= 16 ? 0xffff : (__mmask16)((1u << rows) - 1);
    __mmask16 mask1 = rows >= 32 ? 0xffff : rows <= 16 ? 0 : (__mmask16)((1u << (rows - 16)) - 1);
    if (bias) {
        result0 = _mm512_add_ps(result0, _mm512_maskz_loadu_ps(mask0, bias));
        result1 = _mm512_add_ps(result1, _mm512_maskz_loadu_ps(mask1, bias + 16));
    }
    _mm512_mask_storeu_ps(out, mask0, result0);
    _mm512_mask_storeu_ps(out + 64, mask1, result1);
}

/* A tile times one token: the results stay in registers. */
ALWAYS void one_token(
        enum quants quants, enum scales scales, const uint8_t *tile, int64_t columns, const int8_t *x, const float *xscales,
        const int32_t *sums, __m512 *result0, __m512 *result1) {
    const int step = scale_bytes(scales) + quant_bytes(quants);
    const uint8_t *panel = tile;
    for (int64_t column = 0; column < columns; column += PANEL) {
        int64_t blocks = (columns - column < PANEL ? columns - column : PANEL) / BLOCK;
        const uint8_t *at = panel + header_bytes(scales);
        for (int64_t b = 0; b < blocks; b++, at += step) {
            block weights;
            for (int line = 0; asks_ahead(quants, scales) && line < step; line += LINE) {
                _mm_prefetch((const char *)(at + AHEAD + line), _MM_HINT_T0);
            }
            int64_t i = column / BLOCK + b;
            read_scales(scales, panel, at, b, &weights);
            read_quants(quants, at + scale_bytes(scales), &weights);
            multiply(quants, scales, &weights, x + i * BLOCK, xscales[i], sums + 2 * i, result0, result1);
        }
        panel = at;
    }
}

/* A tile times up to CHUNK tokens: a block of weights stays in registers while they pass. */
ALWAYS void many_tokens(
        enum quants quants, enum scales scales, const uint8_t *tile, int64_t columns, int64_t tokens, const int8_t *const *x,
        const float *const *xscales, const int32_t *const *sums, float *results) {
    const int step = scale_bytes(scales) + quant_bytes(quants);
    const uint8_t *panel = tile;
    for (int64_t column = 0; column < columns; column += PANEL) {
        int64_t blocks = (columns - column < PANEL ? columns - column : PANEL) / BLOCK;
        const uint8_t *at = panel + header_bytes(scales);
        for (int64_t b = 0; b < blocks; b++, at += step) {
            block weights;
            int64_t i = column / BLOCK + b;
            read_scales(scales, panel, at, b, &weights);
            read_quants(quants, at + scale_bytes(scales), &weights);
            for (int64_t t = 0; t < tokens; t++) {
                float *to = results + t * TILE_ROWS;
                __m512 result0 = _mm512_load_ps(to);
                __m512 result1 = _mm512_load_ps(to + 16);
                multiply(quants, scales, &weights, x[t] + i * BLOCK, xscales[t][i], sums[t] + 2 * i, &result0, &result1);
                _mm512_store_ps(to, result0);
                _mm512_store_ps(to + 16, result1);
            }
        }
        panel = at;
    }
}

#define PRODUCT(name, quants, scale_form)                                                                                          \
    NIBBLE_PRODUCT(name) {                                                                                                         \
        for (int64_t tile = 0; tile < count; tile++) {                                                                             \
            const uint8_t *weights = tiles + tile * tile_bytes;                                                                    \
            int64_t first = tile * TILE_ROWS;                                                                                      \
            const float *tile_bias = bias ? bias + first : 0;                                                                      \
            if (tokens == 1) {                                                                                                     \
                int64_t in = inputs ? inputs[0] : 0;                                                                               \
                int64_t to = outputs ? outputs[0] : 0;                                                                             \
                __m512 result0 = _mm512_setzero_ps(), result1 = result0;                                                           \
                one_token(quants, scale_form, weights, columns, integers + in * columns, scales + in * (columns / BLOCK),           \
                          sums + in * (columns / HALF_BLOCK), &result0, &result1);                                                 \
                store(out + to * out_stride + first * 4, tile_bias, rows - first, result0, result1);                               \
                continue;                                                                                                          \
            }                                                                                                                      \
            for (int64_t begin = 0; begin < tokens; begin += CHUNK) {                                                              \
                _Alignas(64) float results[CHUNK * TILE_ROWS];                                                                     \
                const int8_t *x[CHUNK];                                                                                            \
                const float *xscales[CHUNK];                                                                                       \
                const int32_t *xsums[CHUNK];                                                                                       \
                int64_t some = tokens - begin < CHUNK ? tokens - begin : CHUNK;                                                    \
                for (int64_t t = 0; t < some; t++) {                                                                               \
                    int64_t in = inputs ? inputs[begin + t] : begin + t;                                                           \
                    x[t] = integers + in * columns;                                                                                 \
                    xscales[t] = scales + in * (columns / BLOCK);                                                                  \
                    xsums[t] = sums + in * (columns / HALF_BLOCK);                                                                 \
                    _mm512_store_ps(results + t * TILE_ROWS, _mm512_setzero_ps());                                                 \
                    _mm512_store_ps(results + t * TILE_ROWS + 16, _mm512_setzero_ps());                                            \
                }                                                                                                                  \
                many_tokens(quants, scale_form, weights, columns, some, x, xscales, xsums, results);                               \
                for (int64_t t = 0; t < some; t++) {                                                                               \
                    int64_t to = outputs ? outputs[begin + t] : begin + t;                                                         \
                    const float *from = results + t * TILE_ROWS;                                                                   \
                    store(out + to * out_stride + first * 4, tile_bias, rows - first, _mm512_load_ps(from),                        \
                          _mm512_load_ps(from + 16));                                                                              \
                }                                                                                                                  \
            }                                                                                                                      \
        }                                                                                                                          \
    }

PRODUCT(nibble_product_q4_0, FOUR_BITS_LESS_8, HALVES)
PRODUCT(nibble_product_q4_1, FOUR_BITS, HALVES_AND_OFFSETS)
PRODUCT(nibble_product_q4_k, FOUR_BITS, BYTES_AND_MINIMA)
PRODUCT(nibble_product_q8_0, EIGHT_BITS_LESS_128, HALVES)
PRODUCT(nibble_product_iq4_nl, CODEBOOK, HALVES)
PRODUCT(nibble_product_iq4_xs, CODEBOOK, BYTES)

#endif
