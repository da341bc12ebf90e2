/*
 * How weights lie in tiles that are points of a grid (see GridForm.java), and how a block of them is brought to registers. Included by
 * grid_products.c alone.
 *
 * A block is worked on as eight groups of four columns: byte p of group j is column 8 p + j. A vector has such a group of 16 rows.
 */
#ifndef NIBBLE_GRIDS_H
#define NIBBLE_GRIDS_H

#include "vectors.h"

#pragma GCC target("avx512vbmi,gfni,bmi2")

enum type { IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S };

enum { GROUPS = 8, GRIDS = 6, ALL_POINTS = 2048 + 256 + 512 + 1024 + 256 + 512, PLANE = LINE / 4 };

/* What types with signs count for 0. */
enum { ZERO = 64 };

/* Signs of a byte that are looked up together with levels. */
enum { SIGN_BITS = 3 };

/* For each half of the rows of a tile, 0 ... 15 and 16 ... 31. */
typedef struct {
    __m512i of[2];
} halves;

/* Points of each grid, and its type's place in what follows. */
static const int POINTS[GRIDS] = {2048, 256, 512, 1024, 256, 512};

ALWAYS int grid_of(enum type type) {
    return type == IQ1_S ? 0 : type - 1;
}

ALWAYS int points_of(enum type type) {
    switch (type) {
        case IQ1_S:
        case IQ1_M: return 2048;
        case IQ2_S: return 1024;
        case IQ2_XS:
        case IQ3_S: return 512;
        default: return 256;
    }
}

/* Words of point numbers in a block: one for points of eight columns, two for those of four. */
ALWAYS int number_words(enum type type) {
    return type == IQ3_XXS || type == IQ3_S ? 2 : 1;
}

ALWAYS int has_signs(enum type type) {
    return type != IQ1_S && type != IQ1_M;
}

/* Whether the eighth sign makes the number of minus signs even, and its bit is spare. */
ALWAYS int has_even_signs(enum type type) {
    return type == IQ2_XXS || type == IQ2_XS || type == IQ3_XXS;
}

ALWAYS int has_half_scales(enum type type) {
    return type == IQ1_M || type == IQ2_XS || type == IQ2_S;
}

ALWAYS int head_lines(enum type type) {
    switch (type) {
        case IQ1_M: return 4;
        case IQ2_XS: return 5;
        case IQ3_S: return 7;
        default: return 1;
    }
}

ALWAYS int block_lines(enum type type) {
    switch (type) {
        case IQ1_S:
        case IQ1_M: return 3;
        case IQ2_S: return 5;
        case IQ3_XXS:
        case IQ3_S: return 6;
        default: return 4;
    }
}

ALWAYS float factor_of(enum type type) {
    return type == IQ3_XXS ? 0.25f : type == IQ3_S ? 1 : 0.125f;
}

/* What each coordinate of a point counts, by its level; those of IQ1 in eighths. Source: ggml. */
ALWAYS __m512i levels_of(enum type type) {
    __m128i levels;
    switch (type) {
        case IQ1_S: levels = _mm_set1_epi32(0x00100800); break;
        case IQ1_M: levels = _mm_set1_epi32(0x00120a02); break;
        case IQ3_XXS: levels = _mm_set1_epi64x(0x3e342c241c140c04); break;
        case IQ3_S: levels = _mm_set1_epi64x(0x0f0d0b0907050301); break;
        default: levels = _mm_set1_epi32(0x002b1908); break;
    }
    return _mm512_broadcast_i32x4(levels);
}

/*
 * What numbers of six bits count: a level in the low bits, a sign in bit 3 + i of the table to[i]. Types with signs count 64 for 0.
 */
ALWAYS void read_levels(enum type type, __m512i *to) {
    const __m512i levels = levels_of(type);
    const __m512i zero = _mm512_set1_epi8(ZERO);
    const __m512i plus = _mm512_add_epi8(zero, levels);
    const uint64_t minus[SIGN_BITS] = {0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000};
#pragma GCC unroll 3
    for (int i = 0; i < SIGN_BITS; i++) {
        to[i] = has_signs(type) ? _mm512_mask_sub_epi8(plus, minus[i], zero, levels) : levels;
    }
}

/* A plane's bits of a half of the rows: four of each row. */
ALWAYS uint64_t plane(const uint8_t *line, int64_t number, int half) {
    uint64_t bits;
    __builtin_memcpy(&bits, line + number * PLANE + 8 * half, 8);
    return bits;
}

/* Where the bits of point numbers above the eighth are: the plane of a block's word, one for each bit. */
ALWAYS uint64_t high_bits(enum type type, const uint8_t *panel, const uint8_t *at, int64_t b, int word, int bit, int half) {
    switch (type) {
        case IQ2_XS: return _mm512_movepi8_mask(_mm512_loadu_si512(at + WORD + half * LINE));
        case IQ2_S: return plane(at + 4 * LINE, bit, half);
        case IQ3_S: return plane(panel + (1 + b / 2) * LINE, 2 * (b % 2) + word, half);
        default: return plane(at + 2 * LINE, bit, half);
    }
}

/* Looks up bytes by numbers of seven bits. */
ALWAYS halves lookup_7(const uint8_t *table, halves n) {
    __m512i low = _mm512_load_si512(table);
    __m512i high = _mm512_load_si512(table + 64);
    return (halves){{_mm512_permutex2var_epi8(low, n.of[0], high), _mm512_permutex2var_epi8(low, n.of[1], high)}};
}

ALWAYS halves choose(halves clear, halves set, const __mmask64 *bit) {
    return (halves){{_mm512_mask_blend_epi8(bit[0], clear.of[0], set.of[0]),
                     _mm512_mask_blend_epi8(bit[1], clear.of[1], set.of[1])}};
}

/* With further bits of the numbers in masks, (bit, half). */
ALWAYS halves lookup_8(const uint8_t *table, halves n, __mmask64 (*bits)[2]) {
    return choose(lookup_7(table, n), lookup_7(table + 128, n), bits[0]);
}

ALWAYS halves lookup_9(const uint8_t *table, halves n, __mmask64 (*bits)[2]) {
    return choose(lookup_8(table, n, bits), lookup_8(table + 256, n, bits), bits[1]);
}

ALWAYS halves lookup_10(const uint8_t *table, halves n, __mmask64 (*bits)[2]) {
    return choose(lookup_9(table, n, bits), lookup_9(table + 512, n, bits), bits[2]);
}

ALWAYS halves lookup(int points, const uint8_t *table, halves n, __mmask64 (*bits)[2]) {
    switch (points) {
        case 256: return lookup_8(table, n, bits);
        case 512: return lookup_9(table, n, bits);
        case 1024: return lookup_10(table, n, bits);
        default: return choose(lookup_10(table, n, bits), lookup_10(table + 1024, n, bits), bits[3]);
    }
}

/*
 * Looks up the first halves of IQ1's points. They are numbered so that of the 16 numbers which agree in their lower seven bits, those from
 * a limit on have one first half and those below it have another: the table has what is below, what is above, and limits.
 */
ALWAYS halves lookup_first(const uint8_t *table, halves n, __mmask64 (*bits)[2]) {
    halves below = lookup_7(table, n);
    halves above = lookup_7(table + 128, n);
    halves limit = lookup_7(table + 256, n);
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
        __m512i high = _mm512_maskz_mov_epi8(bits[0][half], _mm512_set1_epi8(1));
#pragma GCC unroll 3
        for (int bit = 1; bit < 4; bit++) {
            high = _mm512_mask_add_epi8(high, bits[bit][half], high, _mm512_set1_epi8((char)(1 << bit)));
        }
        __mmask64 is_above = _mm512_cmpge_epu8_mask(high, limit.of[half]);
        below.of[half] = _mm512_mask_blend_epi8(is_above, below.of[half], above.of[half]);
    }
    return below;
}

/*
 * Looks up a block's points, (code, half): bytes of levels, which begin with group 0. `at` is where the block begins, `panel` where its
 * panel does; table has the codes of GridTables.java.
 */
ALWAYS void read_points(enum type type, const uint8_t *table, const uint8_t *panel, const uint8_t *at, int64_t b, halves *to) {
    const int points = points_of(type);
#pragma GCC unroll 2
    for (int word = 0; word < number_words(type); word++) {
        halves n;
        __mmask64 bits[4][2];
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {
            n.of[half] = _mm512_loadu_si512(at + word * WORD + half * LINE);
            bits[0][half] = _mm512_movepi8_mask(n.of[half]);
#pragma GCC unroll 3
            for (int bit = 0; points >> (9 + bit); bit++) {
                bits[1 + bit][half] = high_bits(type, panel, at, b, word, bit, half);
            }
        }
        to[2 * word] = points == 2048 ? lookup_first(table, n, bits) : lookup(points, table, n, bits);
        to[2 * word + 1] = lookup(points, table + points, n, bits);
    }
}

/* The signs of a half of the rows: that of group j, in each byte, is bit 3 + j % 3 of to[j / 3]. */
ALWAYS void read_signs(enum type type, const uint8_t *line, __m512i *to) {
    /* A bit of a byte becomes the parity of what a byte of this selects of the byte's bits: one, or seven that tell the eighth. */
    const int64_t last = has_even_signs(type) ? 0x7f : 0x80;
    __m512i signs = _mm512_loadu_si512(line);
    to[0] = _mm512_gf2p8affine_epi64_epi8(signs, _mm512_set1_epi64(0x0102040000), 0);
    to[1] = _mm512_gf2p8affine_epi64_epi8(signs, _mm512_set1_epi64(0x0810200000), 0);
    to[2] = _mm512_gf2p8affine_epi64_epi8(signs, _mm512_set1_epi64(0x4000000000 | last << 24), 0);
}

/* What the columns of a group count, from 0 on. */
ALWAYS __m512i counts(enum type type, const halves *codes, const __m512i *signs, const __m512i *levels, int group, int half) {
    const int fields = number_words(type) == 1 ? 4 : 2;
    __m512i level = _mm512_srli_epi16(codes[group / fields].of[half], 8 / fields * (group % fields));
    if (!has_signs(type)) {
        return _mm512_permutexvar_epi8(level, levels[0]);
    }
    const __m512i bits = _mm512_set1_epi8(fields == 4 ? 3 : 7);
    __m512i number = _mm512_ternarylogic_epi64(bits, level, signs[group / SIGN_BITS], 0xca); /* bits ? level : sign */
    return _mm512_permutexvar_epi8(number, levels[group % SIGN_BITS]);
}

/* Four bits to each of 16 lanes. */
ALWAYS __m512i nibbles(uint64_t bits) {
    const __m512i places = _mm512_set_epi32(60, 56, 52, 48, 44, 40, 36, 32, 28, 24, 20, 16, 12, 8, 4, 0);
    __m512i found = _mm512_multishift_epi64_epi8(places, _mm512_set1_epi64((int64_t)bits));
    return _mm512_and_si512(found, _mm512_set1_epi32(15));
}

/* The scales s of a half of the rows and a half block; types with scales for blocks have the same for both. */
ALWAYS __m512i scales(enum type type, const uint8_t *panel, const uint8_t *at, int64_t b, int half_block, int half) {
    __m512i line;
    switch (type) {
        case IQ1_S: return _mm512_and_si512(nibbles(plane(at + 2 * LINE, 3, half)), _mm512_set1_epi32(7));
        case IQ1_M:
            line = _mm512_srl_epi32(_mm512_loadu_si512(panel + b / 2 * LINE), _mm_cvtsi64_si128(16 * half + 6 * (b % 2) + 3 * half_block));
            return _mm512_and_si512(line, _mm512_set1_epi32(7));
        case IQ2_XS: return nibbles(plane(panel + (1 + b / 2) * LINE, 2 * (b % 2) + half_block, half));
        case IQ2_S: return nibbles(plane(at + 4 * LINE, 2 + half_block, half));
        case IQ3_S: return nibbles(plane(panel + (5 + b / 4) * LINE, b % 4, half));
        default: return nibbles(_mm512_movepi8_mask(_mm512_loadu_si512(at + number_words(type) * WORD + half * LINE)));
    }
}

/* 2 s + 1. */
ALWAYS __m512i steps(enum type type, const uint8_t *panel, const uint8_t *at, int64_t b, int half_block, int half) {
    __m512i s = scales(type, panel, at, b, half_block, half);
    return _mm512_add_epi32(_mm512_add_epi32(s, s), _mm512_set1_epi32(1));
}

/* What a step is worth in the rows of a panel. */
ALWAYS void read_factors(enum type type, const uint8_t *panel, __m512 *to) {
    __m512i line = _mm512_loadu_si512(panel);
    if (type == IQ1_M) {
        line = _mm512_and_si512(_mm512_srli_epi16(line, 12), _mm512_set1_epi16(15));
#pragma GCC unroll 3
        for (int i = 1; i < 4; i++) {
            __m512i top = _mm512_slli_epi16(_mm512_srli_epi16(_mm512_loadu_si512(panel + i * LINE), 12), 4 * i);
            line = _mm512_or_si512(line, top);
        }
    }
    const __m512 factor = _mm512_set1_ps(factor_of(type));
    to[0] = _mm512_mul_ps(low_halves(line), factor);
    to[1] = _mm512_mul_ps(high_halves(line), factor);
}

#endif
