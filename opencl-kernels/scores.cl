// What an attention reads: queries, keys and values.

typedef ints INT;
#define WIDE (VECTOR == 16)
#include "dots.cl"

// Queries against quantized keys are quantized too, to words of four bytes where there are dot products of them, else to whole floats:
// the sums of the products of a block are the same.
#if KEYS >= Q8_0 && (defined(AVX512) || VECTOR == 1 && defined(INTEGER_DOT))
#define BYTE_SCORES 1
#define KEY_ZERO (KEYS == Q8_0 ? 128 : 8)
#define QUERY_PER_WORD 4
typedef int query_word;
#else
#define KEY_ZERO 8
#define QUERY_PER_WORD 1
typedef float query_word;
#endif

#ifdef BYTE_SCORES
// The sums of the products of a block of keys with the queries of the tile, but for what a key's zero adds.
//   words: the block's, of VECTOR tokens; q: [BLOCK / 4][QUERIES]
inline void dot_block(global const uint *words, int stride, local const int *q, INT *sums) {
    INT high_sums[QUERIES];
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        sums[j] = 0;
        high_sums[j] = 0;
    }
#pragma unroll
    for (int w = 0; w < BLOCK / PER_WORD(KEYS); w++) {
        INT word = AS_INTS(LOAD(words + w * stride));
        local const int *x = q + w * (PER_WORD(KEYS) / 4) * QUERIES;
#if KEYS == Q8_0
        word ^= (INT)0x80808080;
#endif
#if KEYS == Q4_0 || WIDE
        INT low = word & 0x0f0f0f0f;
        INT high = word >> 4 & 0x0f0f0f0f;
#endif
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
#if KEYS == Q4_0
            sums[j] = add2(sums[j], add2(dot4(low, (INT)x[j]), dot4(high, (INT)x[QUERIES + j])));
#elif WIDE
            // Two products of 8 bits do not fit 16.
            sums[j] = add2(sums[j], dot4(low, (INT)x[j]));
            high_sums[j] = add2(high_sums[j], dot4(high, (INT)x[j]));
#else
            sums[j] += dot4(word, x[j]);
#endif
        }
    }
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        sums[j] = ints_of(sums[j], (INT)FACTOR(1)) + (ints_of(high_sums[j], (INT)FACTOR(1)) << 4);
    }
}
#endif

// The scores of VECTOR tokens, of which the first is at `token` of a page, with all queries of the tile.
inline void score(global const uchar *page, int stride, int token, local const query_word *q, local const float *scales,
        local const float *sums, floats *s) {
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        s[j] = 0;
    }
#if KEYS == F32 || KEYS == F16
    for (int i = 0; i < KEY_SIZE; i++) {
#if KEYS == F32
        floats key = LOAD((global const float *)page + i * stride + token);
#else
        floats key = LOAD_HALF((global const half *)page + i * stride + token);
#endif
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            s[j] = fma((floats)(q[i * QUERIES + j]), key, s[j]);
        }
    }
#else
    global const uint *words = (global const uint *)page;
    global const ushort *key_scales = (global const ushort *)(page + KEY_SIZE / PER_WORD(KEYS) * 4 * stride);
    for (int block = 0; block < KEY_BLOCKS; block++) {
        floats part[QUERIES];
#ifdef BYTE_SCORES
        INT products[QUERIES];
        dot_block(words + block * (BLOCK / PER_WORD(KEYS)) * stride + token, stride, q + block * (BLOCK / 4) * QUERIES, products);
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            part[j] = TO_FLOATS(products[j]) + sums[block * QUERIES + j];
        }
#else
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
#if KEYS == Q8_0
            part[j] = 0;
#else
            part[j] = sums[block * QUERIES + j];
#endif
        }
        for (int w = 0; w < BLOCK / PER_WORD(KEYS); w++) {
            uints word = LOAD(words + (block * (BLOCK / PER_WORD(KEYS)) + w) * stride + token);
            local const float *x = q + (block * BLOCK + w * PER_WORD(KEYS)) * QUERIES;
#pragma unroll
            for (int i = 0; i < PER_WORD(KEYS); i++) {
#if KEYS == Q8_0
                floats key = TO_FLOATS(AS_INTS(word << (24 - 8 * i)) >> 24);
#else
                floats key = TO_FLOATS(AS_INTS(word >> (i % 4 * 8 + i / 4 * 4) & 15));
#endif
#pragma unroll
                for (int j = 0; j < QUERIES; j++) {
                    part[j] = fma((floats)(x[i * QUERIES + j]), key, part[j]);
                }
            }
        }
#endif
        floats scale = AS_FLOATS(TO_UINTS(LOAD(key_scales + block * stride + token)) << 16);
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            s[j] = fma(part[j] * scales[block * QUERIES + j], scale, s[j]);
        }
    }
#endif
}

// VECTOR columns of the value of a token, the first at `column`.
inline floats values_of(global const uchar *page, int stride, int token, int column) {
#if VALUES == F32
    return LOAD((global const float *)page + token * VALUE_STRIDE + column);
#elif VALUES == F16
    return LOAD_HALF((global const half *)page + token * VALUE_STRIDE + column);
#elif VALUES == Q8_0
    global const ushort *scales = (global const ushort *)(page + VALUE_SIZE * stride);
    float scale = as_float((uint)scales[token * (VALUE_SIZE / BLOCK) + column / BLOCK] << 16);
    return TO_FLOATS(LOAD((global const char *)page + token * VALUE_SIZE + column)) * scale;
#else
    global const ushort *scales = (global const ushort *)(page + VALUE_SIZE / 2 * stride);
    float scale = as_float((uint)scales[token * (VALUE_SIZE / BLOCK) + column / BLOCK] << 16);
    global const uchar *nibbles = page + token * (VALUE_SIZE / 2) + column / BLOCK * (BLOCK / 2) + column % (BLOCK / 2);
    ints value = AS_INTS(TO_UINTS(LOAD(nibbles)) >> (column / (BLOCK / 2) % 2 * 4) & 15);
    return fma(TO_FLOATS(value), (floats)(scale), (floats)(-8 * scale));
#endif
}

// Brings the queries of rows row ... end - 1 to local memory, [KEY_SIZE / QUERY_PER_WORD][QUERIES]; the others are zero. Quantized
// ones come with their scales and what the zero of keys adds to their products.
inline void load_queries(global const float *q, int row, int end, int first_row, int heads, int head, int per_row, float factor,
        local query_word *target, local float *scales, local float *sums) {
    int lid = get_local_id(0);
#if KEYS == F32 || KEYS == F16
    for (int i = lid; i < QUERIES * KEY_SIZE; i += LANES) {
        int j = i / KEY_SIZE;
        int its = first_row + j / per_row;
        float x = 0;
        if (its >= row && its < end) {
            x = q[((ulong)its * heads + head + j % per_row) * KEY_SIZE + i % KEY_SIZE] * factor;
        }
        target[i % KEY_SIZE * QUERIES + j] = x;
    }
#else
    for (int i = lid; i < QUERIES * KEY_BLOCKS; i += LANES) {
        int j = i / KEY_BLOCKS;
        int block = i % KEY_BLOCKS;
        int its = first_row + j / per_row;
        bool in = its >= row && its < end;
        global const float *x = q + ((ulong)(in ? its : row) * heads + head + j % per_row) * KEY_SIZE + block * BLOCK;
        float amax = 0;
        for (int k = 0; k < BLOCK; k++) {
            amax = fmax(amax, fabs(x[k]));
        }
        float inverse = amax == 0 ? 0 : 127 / amax;
        int sum = 0;
        for (int k = 0; k < BLOCK; k += QUERY_PER_WORD) {
            query_word word = 0;
            for (int i = 0; i < QUERY_PER_WORD; i++) {
                int value = (int)(x[k + i] * inverse + 128.5f) - 128;
                sum += value;
#ifdef BYTE_SCORES
                word |= (value & 255) << 8 * i;
#else
                word = value;
#endif
            }
            target[(block * BLOCK + k) / QUERY_PER_WORD * QUERIES + j] = word;
        }
        scales[block * QUERIES + j] = amax / 127 * factor;
        sums[block * QUERIES + j] = KEY_ZERO * -sum;
    }
#endif
}
