/* The inner steps of attention: see nibble_cpu.h, AttentionProduct.java and RunningSoftmax.java. */
#include "nibble_cpu.h"

#if defined(__x86_64__)
#include "vectors.h"
#include <math.h>

/* Rows of a and c; the distance between rows of a. */
enum { ROWS = 4, A_STRIDE = 64 };

/* The largest score before any token: below every score, yet finite. */
static const float NOTHING = -1e30f;

/* The values in the high halves of words; 2^-112 too small: a 16-bit float's bits << 13 are a float whose exponent lacks 112. */
ALWAYS __m512 high(__m512i words) {
    const __m512i kept = _mm512_set1_epi32((int32_t)0x8fffe000);
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_srai_epi32(words, 3), kept));
}

/* The values in the low halves of words. */
ALWAYS __m512 low(__m512i words) {
    return high(_mm512_slli_epi32(words, 16));
}

enum form { PAIRS_OF_HALVES, TWO_VECTORS, ONE_VECTOR };

/* Asks for as many bytes from `ahead` on as it reads of b, unless `ahead` is 0. */
ALWAYS void product_ahead(
        enum form form, const float *a, const uint8_t *b, float *c, int64_t length, int64_t c_stride, int64_t add,
        const uint8_t *ahead) {
    const int vectors = form == ONE_VECTOR ? 1 : 2;
    __m512 sums[ROWS][2];
#pragma GCC unroll 4
    for (int row = 0; row < ROWS; row++) {
        for (int v = 0; v < vectors; v++) {
            sums[row][v] = add ? _mm512_loadu_ps(c + row * c_stride + v * LANES) : _mm512_setzero_ps();
        }
    }
    const int64_t step = form == TWO_VECTORS ? 128 : 64;
    for (int64_t i = 0; i < length; i++, b += step) {
        if (ahead) {
            _mm_prefetch(ahead + i * step, _MM_HINT_T0);
            _mm_prefetch(ahead + i * step + step - 64, _MM_HINT_T0);
        }
        __m512 values[2];
        __m512i words = _mm512_loadu_si512(b);
        values[0] = form == PAIRS_OF_HALVES ? low(words) : _mm512_castsi512_ps(words);
        values[1] = form == PAIRS_OF_HALVES ? high(words) : form == TWO_VECTORS ? _mm512_loadu_ps(b + 64) : values[0];
#pragma GCC unroll 4
        for (int row = 0; row < ROWS; row++) {
            __m512 factor = _mm512_set1_ps(a[row * A_STRIDE + i]);
            for (int v = 0; v < vectors; v++) {
                sums[row][v] = _mm512_fmadd_ps(factor, values[v], sums[row][v]);
            }
        }
    }
#pragma GCC unroll 4
    for (int row = 0; row < ROWS; row++) {
        for (int v = 0; v < vectors; v++) {
            _mm512_storeu_ps(c + row * c_stride + v * LANES, sums[row][v]);
        }
    }
}

ALWAYS void product(
        enum form form, const float *a, const uint8_t *b, float *c, int64_t length, int64_t c_stride, int64_t add) {
    product_ahead(form, a, b, c, length, c_stride, add, 0);
}

NIBBLE_ATTENTION_PRODUCT(nibble_attention_halves) {
    product(PAIRS_OF_HALVES, a + a_at, b + b_at, c + c_at, length, c_stride, add);
}

NIBBLE_ATTENTION_PRODUCT(nibble_attention_floats) {
    product(TWO_VECTORS, a + a_at, b + b_at, c + c_at, length, c_stride, add);
}

NIBBLE_ATTENTION_PRODUCT(nibble_attention_few_floats) {
    product(ONE_VECTOR, a + a_at, b + b_at, c + c_at, length, c_stride, add);
}

void nibble_widen_pairs(const uint8_t *source, int64_t at, float *target, int64_t count) {
    source += at;
    for (int64_t i = 0; i < count; i += 2 * LANES) {
        __m512i words = _mm512_loadu_si512(source + 2 * i);
        _mm512_storeu_ps(target + i, low(words));
        _mm512_storeu_ps(target + i + LANES, high(words));
    }
}

void nibble_widen(const uint8_t *source, int64_t at, float *target, int64_t count) {
    source += at;
    for (int64_t i = 0; i < count; i += LANES) {
        _mm512_storeu_ps(target + i, low(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(source + 2 * i)))));
    }
}

/*
 * 2 to the power of x + exponent, for results that are no larger than the largest float; 0 for x below -124. The polynomial has the
 * least relative error for 2^r, |r| <= 1/2: 3e-9.
 */
ALWAYS __m512 power_of_two(__m512 x, float exponent) {
    const __m512 rounder = _mm512_set1_ps(ROUNDER + exponent);
    __m512 shifted = _mm512_add_ps(x, rounder);
    __m512 r = _mm512_sub_ps(x, _mm512_sub_ps(shifted, rounder));
    __m512 p = _mm512_fmadd_ps(r, _mm512_set1_ps(1.55946775e-4f), _mm512_set1_ps(1.34066439e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(9.61769293e-3f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.55031055e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(2.40226528e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(6.93147215e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
    __mmask16 none = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-124), _CMP_LT_OQ);
    return _mm512_mask_mov_ps(times_power(p, shifted), none, _mm512_setzero_ps());
}

/* Sets a new largest score, which makes all before smaller. */
static void raise_largest(float *largest, float *sums, float *values, int64_t stride, float now) {
    __m512 fade = _mm512_set1_ps((float)exp2((double)(*largest - now)));
    *largest = now;
    _mm512_storeu_ps(sums, _mm512_mul_ps(_mm512_loadu_ps(sums), fade));
    for (int64_t i = 0; i < stride; i += LANES) {
        _mm512_storeu_ps(values + i, _mm512_mul_ps(_mm512_loadu_ps(values + i), fade));
    }
}

ALWAYS void softmax(
        float *scores, int64_t width, float *largest, float *sums, float *values, int64_t stride, int64_t exponent, float power) {
    __m512 most = _mm512_loadu_ps(scores);
    for (int64_t i = LANES; i < width; i += LANES) {
        most = _mm512_max_ps(most, _mm512_loadu_ps(scores + i));
    }
    float now = _mm512_reduce_max_ps(most) * power;
    if (now > *largest) {
        raise_largest(largest, sums, values, stride, now);
    }
    if (*largest == NOTHING) {
        for (int64_t i = 0; i < width; i += LANES) {
            _mm512_storeu_ps(scores + i, _mm512_setzero_ps());
        }
        return;
    }
    __m512 sum = _mm512_loadu_ps(sums);
    for (int64_t i = 0; i < width; i += LANES) {
        __m512 score = _mm512_loadu_ps(scores + i);
        __m512 x = _mm512_fmadd_ps(score, _mm512_set1_ps(power), _mm512_set1_ps(-*largest));
        __m512 weight = power_of_two(x, (float)exponent);
        sum = _mm512_add_ps(sum, weight);
        _mm512_storeu_ps(scores + i, weight);
    }
    _mm512_storeu_ps(sums, sum);
}

void nibble_softmax(
        int64_t queries, float *scores, int64_t width, float *largest, float *sums, float *values, int64_t stride,
        int64_t exponent, float power) {
    for (int64_t i = 0; i < queries; i++) {
        softmax(scores + i * A_STRIDE, width, largest + i, sums + i * LANES, values + i * stride, stride, exponent, power);
    }
}

/* Groups of a tile, tokens of a group, and columns of a block of values. */
enum { TILE_GROUPS = 2, GROUP = 32, COLUMNS = 32 };

/* What the queries are: floats, or integers with scales and starts. */
typedef struct {
    const float *floats;
    const int8_t *integers;
    const float *scales;
    const int32_t *starts;
} queries;

/* Bytes that 32 values take in a cache of so many bits a value, with their scale. */
ALWAYS int64_t row_bytes(int64_t bits) {
    return 4 * bits + (bits < 16 ? 2 : 0);
}

/* Asks for some bytes to be brought near. */
ALWAYS void ask_for(const uint8_t *bytes, int64_t count) {
    for (int64_t i = 0; i < count; i += 64) {
        _mm_prefetch(bytes + i, _MM_HINT_T0);
    }
}

/* The scores of a group, and its values on the way from memory. */
ALWAYS void group_scores(
        const struct nibble_attention *of, int64_t bits, queries q, const uint8_t *keys, float *scores, const uint8_t *values) {
    if (bits < 16) {
        ask_for(values, of->value_bytes);
        int64_t count = (of->queries + ROWS - 1) / ROWS * ROWS;
        nibble_attention_scores(bits, keys, of->key_size, count, q.integers, q.scales, q.starts, of->query_stride, scores, A_STRIDE);
        return;
    }
    const enum form form = bits == 16 ? PAIRS_OF_HALVES : TWO_VECTORS;
    for (int64_t query = 0; query < of->queries; query += ROWS) {
        const uint8_t *ahead = query == 0 ? values : keys;
        for (int64_t at = 0; at < of->key_size; at += A_STRIDE) {
            int64_t length = of->key_size - at < A_STRIDE ? of->key_size - at : A_STRIDE;
            product_ahead(
                    form, q.floats + at * of->query_stride + query * A_STRIDE, keys + at * row_bytes(bits), scores + query * A_STRIDE,
                    length, A_STRIDE, at, ahead + at * row_bytes(bits));
        }
    }
}

/* Adds the weighted values of some tokens of a group, with the keys of a later one on the way from memory. */
ALWAYS void add_group(
        const struct nibble_attention *of, int64_t bits, const float *weights, const uint8_t *values, int64_t tokens, float *sums,
        const uint8_t *keys) {
    const enum form form = bits == 16 ? PAIRS_OF_HALVES : TWO_VECTORS;
    for (int64_t column = 0; column < of->value_stride; column += COLUMNS) {
        const int64_t at = column / COLUMNS * GROUP * row_bytes(bits);
        if (bits < 16) {
            ask_for(keys + at, GROUP * row_bytes(bits));
        }
        for (int64_t query = 0; query < of->queries; query += ROWS) {
            const float *from = weights + query * A_STRIDE;
            float *to = sums + query * of->value_stride + column;
            if (bits < 16) {
                nibble_attention_values(bits, values + at, tokens, from, to, of->value_stride);
            } else {
                product_ahead(form, from, values + at, to, tokens, of->value_stride, 1, (query == 0 ? keys : values) + at);
            }
        }
    }
}

/* Marks the tokens of a group that are not seen. */
static void hide(float *scores, int64_t queries, int64_t from, int64_t to) {
    for (int64_t i = 0; i < GROUP; i++) {
        if (i < from || i >= to) {
            for (int64_t query = 0; query < queries; query++) {
                scores[query * A_STRIDE + i] = NOTHING;
            }
        }
    }
}

ALWAYS void attend(
        const struct nibble_attention *of, int64_t key_bits, int64_t value_bits, const uint8_t *keys, const uint8_t *values,
        const int32_t *groups, int64_t begin, int64_t end, int64_t seen_from, int64_t seen_to, queries q, float *scores,
        float *largest, float *sums, float *out) {
    const int64_t first = seen_from / GROUP;
    for (int64_t tile = begin; tile < end; tile += TILE_GROUPS) {
        int64_t stop = tile + TILE_GROUPS < end ? tile + TILE_GROUPS : end;
        for (int64_t g = tile; g < stop; g++) {
            float *to = scores + (g - tile) * GROUP;
            if (g >= first) {
                int64_t at = groups[g - begin];
                group_scores(of, key_bits, q, keys + at * of->key_bytes, to, values + at * of->value_bytes);
            }
            hide(to, of->queries, seen_from - g * GROUP, seen_to - g * GROUP);
        }
        if (stop <= first) {
            continue;
        }
        nibble_softmax(of->queries, scores, (stop - tile) * GROUP, largest, sums, out, of->value_stride, of->exponent, of->power);
        for (int64_t g = tile < first ? first : tile; g < stop; g++) {
            int64_t later = groups[(g + TILE_GROUPS < end ? g + TILE_GROUPS : g) - begin];
            int64_t tokens = seen_to - g * GROUP < GROUP ? seen_to - g * GROUP : GROUP;
            add_group(
                    of, value_bits, scores + (g - tile) * GROUP, values + groups[g - begin] * of->value_bytes, tokens, out,
                    keys + later * of->key_bytes);
        }
    }
}

#define ATTEND(key_bits, value_bits)                                                                                               \
    attend(of, key_bits, value_bits, keys, values, groups, begin, end, seen_from, seen_to, q, scores, largest, sums, out)

void nibble_attend(
        const struct nibble_attention *of, const uint8_t *keys, const uint8_t *values, const int32_t *groups, int64_t begin,
        int64_t end, int64_t seen_from, int64_t seen_to, const float *q_floats, const int8_t *q_integers, const float *q_scales,
        const int32_t *q_starts, float *scores, float *largest, float *sums, float *out) {
    const queries q = {q_floats, q_integers, q_scales, q_starts};
    if (of->key_bits == 16 && of->value_bits == 16) {
        ATTEND(16, 16);
    } else if (of->key_bits == 8 && of->value_bits == 8) {
        ATTEND(8, 8);
    } else if (of->key_bits == 4 && of->value_bits == 4) {
        ATTEND(4, 4);
    } else {
        ATTEND(of->key_bits, of->value_bits);
    }
}

#endif
