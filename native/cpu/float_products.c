/* Products of weights of floats with activations of floats: see nibble_cpu.h. */
#include "nibble_cpu.h"

#if defined(__x86_64__)
#include "vectors.h"

enum form { F32, F16, BF16 };

/* Rows of weights, and tokens, that are multiplied at once: their sums stay in registers. */
enum { ROWS = 4, TOKENS = 4 };

/* The arguments of a product, as nibble_cpu.h names them. */
typedef struct {
    const uint8_t *weights;
    int64_t row_bytes, rows, columns;
    const uint8_t *x;
    int64_t x_stride, tokens;
    const int32_t *inputs, *outputs;
    uint8_t *out;
    int64_t out_stride;
    const float *bias;
} task;

/* Weights from column i on; 0 where the mask is. */
ALWAYS __m512 weights_at(enum form form, const uint8_t *row, int64_t i, __mmask16 mask) {
    if (form == F32) {
        return _mm512_maskz_loadu_ps(mask, row + 4 * i);
    }
    __m256i halves = _mm256_maskz_loadu_epi16(mask, row + 2 * i);
    if (form == F16) {
        return _mm512_cvtph_ps(halves);
    }
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

ALWAYS void add(
        enum form form, int rows, int tokens, const uint8_t *const *w, const float *const *x, int64_t i, __mmask16 mask,
        __m512 (*sums)[TOKENS]) {
    __m512 row[ROWS];
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) {
        row[r] = weights_at(form, w[r], i, mask);
    }
#pragma GCC unroll 4
    for (int t = 0; t < tokens; t++) {
        __m512 values = _mm512_maskz_loadu_ps(mask, x[t] + i);
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) {
            sums[r][t] = _mm512_fmadd_ps(row[r], values, sums[r][t]);
        }
    }
}

/* Some rows times some tokens. A row or token that is not there repeats the last one; its result is not stored. */
ALWAYS void multiply(enum form form, int tokens, const task *t, int64_t row, int64_t token) {
    const uint8_t *w[ROWS];
    const float *x[TOKENS];
    __m512 sums[ROWS][TOKENS];
    for (int r = 0; r < ROWS; r++) {
        int64_t from = row + r < t->rows ? row + r : t->rows - 1;
        w[r] = t->weights + from * t->row_bytes;
    }
    for (int i = 0; i < tokens; i++) {
        int64_t from = token + i < t->tokens ? token + i : t->tokens - 1;
        x[i] = (const float *)(t->x + (t->inputs ? t->inputs[from] : from) * t->x_stride);
    }
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++) {
#pragma GCC unroll 4
        for (int i = 0; i < tokens; i++) {
            sums[r][i] = _mm512_setzero_ps();
        }
    }
    int64_t column = 0;
    for (; column + LANES <= t->columns; column += LANES) {
        add(form, ROWS, tokens, w, x, column, 0xffff, sums);
    }
    if (column < t->columns) {
        add(form, ROWS, tokens, w, x, column, lanes(column, t->columns), sums);
    }
#pragma GCC unroll 4
    for (int i = 0; i < tokens; i++) {
        if (token + i < t->tokens) {
            float *to = (float *)(t->out + (t->outputs ? t->outputs[token + i] : token + i) * t->out_stride) + row;
#pragma GCC unroll 4
            for (int r = 0; r < ROWS; r++) {
                if (row + r < t->rows) {
                    to[r] = _mm512_reduce_add_ps(sums[r][i]) + (t->bias ? t->bias[row + r] : 0);
                }
            }
        }
    }
}

/* Weights stay in the first-level cache while the tokens pass. */
ALWAYS void product(enum form form, const task *t) {
    for (int64_t row = 0; row < t->rows; row += ROWS) {
        if (t->tokens == 1) {
            multiply(form, 1, t, row, 0);
        }
        for (int64_t token = 0; t->tokens > 1 && token < t->tokens; token += TOKENS) {
            multiply(form, TOKENS, t, row, token);
        }
    }
}

#define PRODUCT(name, form)                                                                                                        \
    NIBBLE_FLOAT_PRODUCT(name) {                                                                                                   \
        const task t = {weights, row_bytes, rows, columns, x, x_stride, tokens, inputs, outputs, out, out_stride, bias};           \
        product(form, &t);                                                                                                         \
    }

PRODUCT(nibble_product_f32, F32)
PRODUCT(nibble_product_f16, F16)
PRODUCT(nibble_product_bf16, BF16)

#endif
