/* What products of all kinds of weights have in common: their arguments, and their results. */
#ifndef NIBBLE_TASKS_H
#define NIBBLE_TASKS_H

#include "vectors.h"

/* Tokens that pass one tile at a time: their sums, (token, row), stay in the first-level cache. */
enum { CHUNK = 64 };

/* Columns of a single token that are brought into the order of the weights before the first tile; those of a longer one with each. */
enum { ORDERED_COLUMNS = 1 << 15 };

/* The arguments of a product, as nibble_cpu.h names them. */
typedef struct {
    const uint8_t *tiles;
    int64_t tile_bytes, count, rows, columns;
    const int8_t *integers;
    const float *scales;
    const int32_t *sums;
    int64_t tokens;
    const int32_t *inputs, *outputs;
    uint8_t *out;
    int64_t out_stride;
    const float *bias;
} task;

/* A task of the arguments of a NIBBLE_PRODUCT. */
#define NIBBLE_TASK                                                                                                                \
    { tiles, tile_bytes, count, rows, columns, integers, scales, sums, tokens, inputs, outputs, out, out_stride, bias }

/* Tokens of a task, and their results, (token, row). */
typedef struct {
    _Alignas(64) float results[CHUNK * TILE_ROWS];
    int64_t count;
    const int8_t *x[CHUNK];
    const float *scales[CHUNK];
    const int32_t *sums[CHUNK];
} some_tokens;

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

/* Stores the results of a token and a tile. */
ALWAYS void finish(const task *t, int64_t tile, int64_t token, __m512 result0, __m512 result1) {
    int64_t first = tile * TILE_ROWS;
    int64_t to = t->outputs ? t->outputs[token] : token;
    store(t->out + to * t->out_stride + first * 4, t->bias ? t->bias + first : 0, t->rows - first, result0, result1);
}

/* Takes CHUNK tokens, or those that are left; their results become 0. */
ALWAYS void choose_tokens(const task *t, int64_t begin, some_tokens *some) {
    some->count = t->tokens - begin < CHUNK ? t->tokens - begin : CHUNK;
    for (int64_t i = 0; i < some->count; i++) {
        int64_t in = t->inputs ? t->inputs[begin + i] : begin + i;
        some->x[i] = t->integers + in * t->columns;
        some->scales[i] = t->scales + in * (t->columns / BLOCK);
        some->sums[i] = t->sums + in * (t->columns / HALF_BLOCK);
        _mm512_store_ps(some->results + i * TILE_ROWS, _mm512_setzero_ps());
        _mm512_store_ps(some->results + i * TILE_ROWS + 16, _mm512_setzero_ps());
    }
}

/* Stores their results for a tile. */
ALWAYS void finish_tokens(const task *t, int64_t tile, int64_t begin, const some_tokens *some) {
    for (int64_t i = 0; i < some->count; i++) {
        const float *from = some->results + i * TILE_ROWS;
        finish(t, tile, begin + i, _mm512_load_ps(from), _mm512_load_ps(from + 16));
    }
}

#endif
