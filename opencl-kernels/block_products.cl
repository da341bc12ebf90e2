/*
 * Products of quantized weights with quantized activations: the sums of the products of each block are exact integers, scales are
 * applied in float32. Included by matmul.cl.
 */
#include "blocks.cl"
#include "activations.cl"

typedef activations input;

/* The two parts of quantized activations. */
input input_of(const global uchar *x, const global int2 *blocks) {
    input parts = {(const global int *)x, blocks};
    return parts;
}

/*
 * Sums in 16 bits do not hold two products of 8 bits: such weights are kept as their high and low halves. Those take twice the
 * registers, so a work-item has half the rows where they are kept for many tokens. For one it reads whole lines.
 */
#ifndef PACKED
#define QUANT_BITS (LOW_BITS + HIGH_BITS)
#endif
#if WIDE && (QUANT_BITS == 8 || defined(CODES_LOW))
#define NIBBLES 2
#else
#define NIBBLES 1
#endif
#define VECTORS (LANES == 16 && (NIBBLES == 1 || TOKENS == 1) ? 2 : 1)

/* How many words are summed up before ints_of(): in 16 bits 2 * 127 * (2^bits - 1) must fit as often. */
#if !WIDE || NIBBLES == 2 || QUANT_BITS <= 4
#define FITTING_WORDS 8
#elif QUANT_BITS == 5
#define FITTING_WORDS 4
#elif QUANT_BITS == 6
#define FITTING_WORDS 2
#else
#define FITTING_WORDS 1
#endif
#if HAS_HALF_BLOCKS && FITTING_WORDS > 4
#define SUM_WORDS 4
#else
#define SUM_WORDS FITTING_WORDS
#endif

/* 32 columns of LANES rows: the low halves of their bytes in words 0 ... 7, the high halves in words 8 ... 15 if they are apart. */
typedef struct {
    INT words[8 * NIBBLES];
    block_scales scales;
} block;

block read_block(const global uchar *panel, int b, int row) {
    block to;
    to.scales = read_scales(panel, b, row);
#ifdef PACKED
    read_block_quants(panel, b, row, to.words);
#else
#pragma unroll
    for (int i = 0; i < 8; i++) {
        INT quants = read_quants(panel, b, row, i);
#if NIBBLES == 2
        to.words[i] = quants & 0x0f0f0f0f;
        to.words[8 + i] = quants >> 4 & 0x0f0f0f0f;
#else
        to.words[i] = quants;
#endif
    }
#endif
#if HAS_HALF_BLOCKS
    to.scales.half_scales[0] = FACTOR(to.scales.half_scales[0]);
    to.scales.half_scales[1] = FACTOR(to.scales.half_scales[1]);
#endif
    return to;
}

/* The exact sum of the products of a block with 32 activations, those of half blocks times their scales, less the zero. */
INT block_product(const block *w, const global int *x, int half_sums) {
    INT sum = 0;
    INT some = 0;
#pragma unroll
    for (int i = 0; i < 8 * NIBBLES; i++) {
        INT products = dot4(w->words[i], (INT)x[i % 8]);
        some = i % SUM_WORDS == 0 ? products : add2(some, products);
        if (i % SUM_WORDS == SUM_WORDS - 1) {
#if HAS_HALF_BLOCKS
            INT part = ints_of(some, w->scales.half_scales[i % 8 / 4]);
#else
            INT part = ints_of(some, FACTOR(1));
#endif
            sum += i < 8 ? part : part << 4;
        }
    }
#if ZERO && HAS_HALF_BLOCKS
    INT scales = PAIR(w->scales.half_scales[0], w->scales.half_scales[1]);
    sum -= ZERO * dot2(scales, (INT)half_sums);
#elif ZERO
    sum -= ZERO * (LOW_SHORT(half_sums) + HIGH_SHORT(half_sums));
#endif
    return sum;
}

/* What the offset of a block is multiplied by. */
INT offset_factor(const block *w, int half_sums) {
#if HAS_HALF_BLOCKS
    return dot2(PAIR(w->scales.half_minima[0], w->scales.half_minima[1]), (INT)half_sums);
#else
    return (INT)(LOW_SHORT(half_sums) + HIGH_SHORT(half_sums));
#endif
}

/* Adds the products of a tile's rows with some tokens to their results. */
void multiply(
        const global uchar *tile, int columns, int row, input x, const int *inputs, int count,
        FLOAT results[TOKENS][VECTORS]) {
    int blocks = columns / 32;
    for (int i = get_local_id(1); i < blocks; i += SPLITS) {
        const global uchar *panel = tile + (size_t)(i / PANEL_BLOCKS) * PANEL_BYTES;
        block weights[VECTORS];
#pragma unroll
        for (int v = 0; v < VECTORS; v++) {
            weights[v] = read_block(panel, i % PANEL_BLOCKS, row + v * LANES);
        }
        for (int t = 0; t < PASSED(count); t++) {
            size_t at = (size_t)inputs[t] * blocks + i;
            int2 its = x.blocks[at];
#pragma unroll
            for (int v = 0; v < VECTORS; v++) {
                INT sum = block_product(weights + v, x.quants + at * 8, its.y);
                FLOAT product = TO_FLOAT(sum) * weights[v].scales.scale;
#if HAS_OFFSETS
                product = fma(weights[v].scales.offset, TO_FLOAT(offset_factor(weights + v, its.y)), product);
#endif
                results[t][v] = fma(product, (FLOAT)as_float(its.x), results[t][v]);
            }
        }
    }
}
