/*
 * Native kernels of the CPU device: what its Vector API kernels compute, with instructions that Java cannot reach (integer dot
 * products). The library is optional; a machine without a C compiler or without these instructions uses the Vector API.
 *
 * No function allocates, locks, or calls back. Callers check all sizes.
 */
#ifndef NIBBLE_CPU_H
#define NIBBLE_CPU_H

#include <stdint.h>

#define NIBBLE_API __attribute__((visibility("default")))

/* Rows of a tile; columns of a panel, of a block, of half a block. */
enum { TILE_ROWS = 32, PANEL = 256, BLOCK = 32, HALF_BLOCK = 16 };

/* Bytes of a line (16 bits of each row of a tile) and of a word (32 bits of each). */
enum { LINE = 2 * TILE_ROWS, WORD = 4 * TILE_ROWS };

/* 1 if the processor has what all kernels need: AVX-512 F, BW, DQ, VL and VNNI; else 0. */
NIBBLE_API int32_t nibble_cpu_supported(void);

/*
 * Activations quantized to int8 in blocks of 32: value = integer * scale of its block.
 *
 * integers  (rows, columns)
 * scales    (rows, columns / 32)
 * sums      (rows, columns / 16): the sum of the integers of each half block
 */

/*
 * Quantizes a part of a row: with amax the largest magnitude of a block, scale = amax / 127, inverse = 127 / amax or 0, and
 * q = (int) (x * inverse + 128.5) - 128.
 *
 * x (blocks, 32); integers (blocks, 32); scales (blocks); sums (2 * blocks)
 */
NIBBLE_API void nibble_quantize(const float *x, int64_t blocks, int8_t *integers, float *scales, int32_t *sums);

/* x += y, (count). */
NIBBLE_API void nibble_add(float *x, const float *y, int64_t count);

/* out = (x / sqrt(mean(x^2) + epsilon)) * weight (+ bias), (count); bias may be 0. */
NIBBLE_API void nibble_rms_norm(const float *x, const float *weight, const float *bias, float *out, int64_t count, float epsilon);

/* out = ((x - mean(x)) / sqrt(variance(x) + epsilon)) * weight (+ bias), (count); bias may be 0. */
NIBBLE_API void nibble_layer_norm(const float *x, const float *weight, const float *bias, float *out, int64_t count, float epsilon);

/*
 * Rotates the first 2 * pairs values of each head, in place: value i with value pairs + i, or values 2 i and 2 i + 1.
 *
 * x (heads, head_size); cosines, sines (pairs)
 */
NIBBLE_API void nibble_rope_halves(float *x, const float *cosines, const float *sines, int64_t heads, int64_t head_size, int64_t pairs);
NIBBLE_API void nibble_rope_neighbours(float *x, const float *cosines, const float *sines, int64_t heads, int64_t head_size, int64_t pairs);

/* out = act(gate) * up, (count); out may be gate or up. */
NIBBLE_API void nibble_silu(const float *gate, const float *up, float *out, int64_t count);
NIBBLE_API void nibble_gelu(const float *gate, const float *up, float *out, int64_t count);

/* Asks for memory, (bytes), to be brought into the second-level cache. Whatever the address, it does no harm. */
NIBBLE_API void nibble_prefetch(int64_t address, int64_t bytes);

/* The first place of the largest value, (count); 0 if there is none. */
NIBBLE_API int64_t nibble_argmax(const float *x, int64_t count);

/*
 * The products of attention: c (4, columns) (+)= a (4, length) * b (length, columns), where b has 32 columns of 16-bit floats, 32 of
 * floats or 16 of floats. Rows of a lie 64 apart, those of c c_stride. They begin a_at and c_at floats, and b_at bytes, further.
 * 16-bit floats lie in pairs and come out 2^-112 too small: see AttentionProduct.
 */
#define NIBBLE_ATTENTION_PRODUCT(name)                                                                                             \
    NIBBLE_API void name(const float *a, int64_t a_at, const uint8_t *b, int64_t b_at, float *c, int64_t c_at, int64_t length,      \
                         int64_t c_stride, int64_t add)

NIBBLE_ATTENTION_PRODUCT(nibble_attention_halves);
NIBBLE_ATTENTION_PRODUCT(nibble_attention_floats);
NIBBLE_ATTENTION_PRODUCT(nibble_attention_few_floats);

/* Widens 16-bit floats from byte `at` on, in pairs or not, 2^-112 too small; count is a multiple of 32, or of 16. */
NIBBLE_API void nibble_widen_pairs(const uint8_t *source, int64_t at, float *target, int64_t count);
NIBBLE_API void nibble_widen(const uint8_t *source, int64_t at, float *target, int64_t count);

/*
 * Takes a tile of scores of some queries in: see RunningSoftmax.scores.
 *
 * scores   (queries, 64), of which `width`, a multiple of 16, are used; become weights, times 2 to the exponent
 * largest  (queries); sums (queries, 16); values (queries, stride), stride a multiple of 16
 * power    the factor of the scores * log2 e
 */
NIBBLE_API void nibble_softmax(int64_t queries, float *scores, int64_t width, float *largest, float *sums, float *values,
                               int64_t stride, int64_t exponent, float power);

/*
 * What the attentions of one operation have in common, keys and values being in groups of 32 tokens: CpuKvPages.java, KvBlock.java.
 *
 * queries       that share a key head; query_stride: queries that a piece of q has room for
 * key_size      values of a key; value_stride: values of a value, a multiple of 32
 * key_bytes     of a group's keys; value_bytes: of its values
 * key_bits      of a value of a key: 32 or 16, floats, or 8 or 4; value_bits: the same of values
 * exponent      log2 of the factor on weights; power: the factor of the scores * log2 e
 */
struct nibble_attention {
    int64_t queries, query_stride, key_size, value_stride, key_bytes, value_bytes, key_bits, value_bits, exponent;
    float power;
};

/*
 * Takes some groups of tokens in that one row sees, tile by tile of two groups: scores, nibble_softmax, the weighted sum of values.
 *
 * keys, values  those of a head, all its groups
 * groups        (end - begin): where the groups lie, in groups; those that the row does not see are not read
 * begin, end    the numbers of the groups in their sequence
 * seen_from, seen_to  the row sees the tokens seen_from <= token < seen_to of the sequence
 * q_floats      (key_size / 64, query_stride, 64): the queries, cut in pieces, for keys that are floats; else those of
 *               nibble_attention_query: integers (query_stride, key_size), scales and starts (key_size / 32, query_stride); rows
 *               beyond `queries` up to a multiple of 4 are read
 * scores        (queries rounded up to a multiple of 4, 64): scratch
 * largest, sums, out  as of nibble_softmax: (queries), (queries, 16), (queries rounded up, value_stride)
 */
NIBBLE_API void nibble_attend(const struct nibble_attention *of, const uint8_t *keys, const uint8_t *values, const int32_t *groups,
                              int64_t begin, int64_t end, int64_t seen_from, int64_t seen_to, const float *q_floats,
                              const int8_t *q_integers, const float *q_scales, const int32_t *q_starts, float *scores,
                              float *largest, float *sums, float *out);

/*
 * out[outputs[i]][row] = sum over columns of x[inputs[i]][column] * weight[row][column] + bias[row], for the rows of some tiles.
 *
 * tiles     packed weights, the first of the tiles to compute, tile_bytes apart; their layout: TileLayout.java
 * count     tiles to compute; `rows` rows of results in all, of which the last tile may have fewer than 32
 * columns   a multiple of 32
 * tokens    activation rows; their numbers in inputs and outputs, or 0: row i
 * out       (any, out_stride bytes), the first of the rows of these tiles
 * bias      (rows), or 0
 */
#define NIBBLE_PRODUCT(name)                                                                                                       \
    NIBBLE_API void name(const uint8_t *tiles, int64_t tile_bytes, int64_t count, int64_t rows, int64_t columns,                    \
                         const int8_t *integers, const float *scales, const int32_t *sums, int64_t tokens,          \
                         const int32_t *inputs, const int32_t *outputs, uint8_t *out, int64_t out_stride, const float *bias)

NIBBLE_PRODUCT(nibble_product_q4_0);
NIBBLE_PRODUCT(nibble_product_q4_1);
NIBBLE_PRODUCT(nibble_product_q5_0);
NIBBLE_PRODUCT(nibble_product_q5_1);
NIBBLE_PRODUCT(nibble_product_q8_0);
NIBBLE_PRODUCT(nibble_product_q2_k);
NIBBLE_PRODUCT(nibble_product_q3_k);
NIBBLE_PRODUCT(nibble_product_q4_k);
NIBBLE_PRODUCT(nibble_product_q5_k);
NIBBLE_PRODUCT(nibble_product_q6_k);
NIBBLE_PRODUCT(nibble_product_iq4_nl);
NIBBLE_PRODUCT(nibble_product_iq4_xs);
NIBBLE_PRODUCT(nibble_product_mxfp4);

/* 1 if the processor also has what products of grids need: AVX-512 VBMI, GFNI and BMI2; else 0. */
NIBBLE_API int32_t nibble_grids_supported(void);

/*
 * Sets the points of a grid, once, before products with weights of it; grids are numbered as in Grid.java.
 *
 * points    (2, points), bytes: the levels of the first and of the second half of a point's coordinates, 2 bits each of 8 coordinates,
 *           4 bits of 4; see GridTables.java for the first half of IQ1
 */
NIBBLE_API void nibble_set_grid(int64_t grid, const uint8_t *points);

NIBBLE_PRODUCT(nibble_product_iq1_s);
NIBBLE_PRODUCT(nibble_product_iq1_m);
NIBBLE_PRODUCT(nibble_product_iq2_xxs);
NIBBLE_PRODUCT(nibble_product_iq2_xs);
NIBBLE_PRODUCT(nibble_product_iq2_s);
NIBBLE_PRODUCT(nibble_product_iq3_xxs);
NIBBLE_PRODUCT(nibble_product_iq3_s);

/*
 * The same for weights of floats, which lie as in a file, and activations of floats.
 *
 * weights   (rows, row_bytes)
 * x         (any, x_stride bytes)
 */
#define NIBBLE_FLOAT_PRODUCT(name)                                                                                                 \
    NIBBLE_API void name(const uint8_t *weights, int64_t row_bytes, int64_t rows, int64_t columns, const uint8_t *x,               \
                         int64_t x_stride, int64_t tokens, const int32_t *inputs, const int32_t *outputs, uint8_t *out,            \
                         int64_t out_stride, const float *bias)

NIBBLE_FLOAT_PRODUCT(nibble_product_f32);
NIBBLE_FLOAT_PRODUCT(nibble_product_f16);
NIBBLE_FLOAT_PRODUCT(nibble_product_bf16);

/*
 * Queries against keys of the KV cache in 8 or 4 bits, which lie as KvBlock.java says. A query is quantized as by nibble_quantize; its
 * integers are kept in the order of the bytes that they meet.
 *
 * x         (size), a multiple of 32
 * factor    on the scales
 * integers  (size)
 * scales    (size / 32), stride apart
 * starts    (size / 32), stride apart: what takes the offset of the stored integers out of a sum of products
 */
NIBBLE_API void nibble_attention_query(int64_t bits, const float *x, int64_t size, float factor, int8_t *integers, float *scales,
                                       int32_t *starts, int64_t stride);

/*
 * scores[i][t] = the product of query i with the key of token t of a group: the exact sums of blocks, times the scales of both.
 *
 * group     the first block of the keys of 32 tokens
 * queries   a multiple of 4; integers (queries, size), scales and starts (size / 32, stride), of which the first `queries` are read
 * scores    (queries, width), of which the first 32 are written
 */
NIBBLE_API void nibble_attention_scores(int64_t bits, const uint8_t *group, int64_t size, int64_t queries, const int8_t *integers,
                                        const float *scales, const int32_t *starts, int64_t stride, float *scores, int64_t width);

/*
 * sums (4, 32 columns) += weights (4, tokens) * a block of values in 8 or 4 bits, of which the first `tokens` tokens count.
 *
 * block     32 tokens by 32 columns; weights (4, 64), of which `tokens` columns are read; sums: rows `stride` apart
 */
NIBBLE_API void nibble_attention_values(int64_t bits, const uint8_t *block, int64_t tokens, const float *weights, float *sums,
                                        int64_t stride);

#endif
