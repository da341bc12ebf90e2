/*
 * How weights lie in tiles (see TileLayout.java and the classes that it names), and how a block of them is brought to registers.
 * Included by products.c alone.
 */
#ifndef NIBBLE_LAYOUTS_H
#define NIBBLE_LAYOUTS_H

#include "vectors.h"

/* How integers are stored: see QuantForm. */
enum quants { TWO_BITS, THREE_BITS, FOUR_BITS, CODEBOOK, E2M1, FIVE_BITS, SIX_BITS, EIGHT_BITS };

/* Where scales are: see ScaleForm. */
enum scales { HALVES, HALVES_AND_OFFSETS, BYTES_AND_MINIMA, BYTES, EXPONENTS, BYTES_OF_HALF_BLOCKS, NIBBLES_OF_HALF_BLOCKS };

/*
 * 32 rows by 32 columns. Lane i of w[0][g] has four columns of row i, a byte for each, w[1][g] those of row 16 + i; which columns:
 * see ordered(). Of scales and offsets [0] has those of rows 0 ... 15 and [1] those of rows 16 ... 31.
 */
typedef struct {
    __m512i w[2][8];
    __m512 scale[2];
    __m512 offset[2];
    __m512i half_scales[2]; /* 16 bits for the first and 16 for the second half block, in units of scale */
    __m512i half_minima[2]; /* the same, in units of offset */
} block;

/* The values of IQ4_NL and IQ4_XS, plus 128. Source: ggml. */
static const uint8_t CODES[16] = {1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241};

/* Twice the values of MXFP4, plus 128. Source: OCP Microscaling Formats 1.0. */
static const uint8_t FLOAT_CODES[16] = {128, 129, 130, 131, 132, 134, 136, 140, 128, 127, 126, 125, 124, 122, 120, 116};

/* Words of a row of a block. */
ALWAYS int words_of(enum quants quants) {
    switch (quants) {
        case TWO_BITS: return 2;
        case THREE_BITS: return 3;
        case FIVE_BITS: return 5;
        case SIX_BITS: return 6;
        case EIGHT_BITS: return 8;
        default: return 4;
    }
}

/* Lines at the head of a panel. */
ALWAYS int header_lines(enum scales scales) {
    switch (scales) {
        case BYTES_AND_MINIMA: return 2;
        case BYTES: return 5;
        case EXPONENTS: return 4;
        case BYTES_OF_HALF_BLOCKS: return 1;
        case NIBBLES_OF_HALF_BLOCKS: return 2;
        default: return 0;
    }
}

/* Lines before the integers of a block. */
ALWAYS int scale_lines(enum scales scales) {
    return scales == HALVES_AND_OFFSETS ? 2 : scales == BYTES || scales == EXPONENTS ? 0 : 1;
}

ALWAYS int has_offsets(enum scales scales) {
    return scales == HALVES_AND_OFFSETS || scales == BYTES_AND_MINIMA || scales == NIBBLES_OF_HALF_BLOCKS;
}

ALWAYS int has_half_blocks(enum scales scales) {
    return scales == BYTES_OF_HALF_BLOCKS || scales == NIBBLES_OF_HALF_BLOCKS;
}

/* The stored integer that means 0; an offset holds it where there is one. */
ALWAYS int zero_of(enum quants quants, enum scales scales) {
    if (has_offsets(scales)) {
        return 0;
    }
    switch (quants) {
        case THREE_BITS: return 4;
        case FOUR_BITS: return 8;
        case FIVE_BITS: return 16;
        case SIX_BITS: return 32;
        case EIGHT_BITS:
        case CODEBOOK:
        case E2M1: return 128;
        default: return 0;
    }
}

/* Byte i of each lane, with its sign. */
ALWAYS __m512 signed_byte(__m512i line, int i) {
    return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(line, 24 - 8 * i), 24));
}

/* Byte i of each lane, without a sign. */
ALWAYS __m512 unsigned_byte(__m512i line, int i) {
    return _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(line, 8 * i), _mm512_set1_epi32(255)));
}

/* Bytes i and i + 1 of each lane, with their signs, brought to 16 bits each. */
ALWAYS __m512i signed_pairs(__m512i line, int i) {
    /* Each byte to the high half of its 16 bits, from where it is shifted down. */
    const __m128i order = i == 0 ? _mm_setr_epi8(0, 0, 0, 1, 0, 4, 0, 5, 0, 8, 0, 9, 0, 12, 0, 13)
                                 : _mm_setr_epi8(0, 2, 0, 3, 0, 6, 0, 7, 0, 10, 0, 11, 0, 14, 0, 15);
    return _mm512_srai_epi16(_mm512_shuffle_epi8(line, _mm512_broadcast_i32x4(order)), 8);
}

/* 2 to the power of exponents less 128; NaN for 255. */
ALWAYS __m512 powers(__m512i exponents) {
    __m512i power = _mm512_slli_epi32(exponents, 23);
    __mmask16 least = _mm512_testn_epi32_mask(exponents, exponents);
    __mmask16 none = _mm512_cmpeq_epi32_mask(exponents, _mm512_set1_epi32(255));
    power = _mm512_mask_mov_epi32(power, least, _mm512_set1_epi32(0x00400000));
    power = _mm512_mask_mov_epi32(power, none, _mm512_set1_epi32(0x7fc00000));
    return _mm512_mul_ps(_mm512_castsi512_ps(power), _mm512_set1_ps(0.5f));
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
    } else if (scales == BYTES) {
        __m512i factors = _mm512_loadu_si512(panel);
        __m512i line = _mm512_loadu_si512(panel + (1 + b / 2) * LINE);
        line = b % 2 ? line : _mm512_slli_epi32(line, 8);
        to->scale[0] = _mm512_mul_ps(signed_byte(line, 1), low_halves(factors));
        to->scale[1] = _mm512_mul_ps(signed_byte(line, 3), high_halves(factors));
    } else if (scales == EXPONENTS) {
        __m512i line = _mm512_loadu_si512(panel + b / 2 * LINE);
        line = _mm512_srl_epi32(line, _mm_cvtsi64_si128(b % 2 * 8));
        to->scale[0] = powers(_mm512_and_si512(line, _mm512_set1_epi32(255)));
        to->scale[1] = powers(_mm512_and_si512(_mm512_srli_epi32(line, 16), _mm512_set1_epi32(255)));
    } else {
        __m512i factors = _mm512_loadu_si512(panel);
        __m512i line = _mm512_loadu_si512(at);
        to->scale[0] = low_halves(factors);
        to->scale[1] = high_halves(factors);
        to->half_scales[0] = signed_pairs(line, 0);
        to->half_scales[1] = signed_pairs(line, 2);
        if (scales == NIBBLES_OF_HALF_BLOCKS) {
            __m512i offsets = _mm512_loadu_si512(panel + LINE);
            const __m512i low = _mm512_set1_epi16(15);
            to->offset[0] = low_halves(offsets);
            to->offset[1] = high_halves(offsets);
            for (int i = 0; i < 2; i++) {
                to->half_minima[i] = _mm512_and_si512(_mm512_srli_epi16(to->half_scales[i], 4), low);
                to->half_scales[i] = _mm512_and_si512(to->half_scales[i], low);
            }
        }
    }
}

/* Bits of w, shifted to the right (to the left, if by < 0) and masked, beside those of `with`. */
ALWAYS __m512i merge(__m512i with, __m512i w, int by, int mask) {
    __m512i shifted = by < 0 ? _mm512_slli_epi32(w, -by) : _mm512_srli_epi32(w, by);
    return _mm512_ternarylogic_epi32(with, shifted, _mm512_set1_epi32(mask * 0x10001), 0xf8); /* with | shifted & mask */
}

/* Two fields, `at` and `next` bits up, of each half word: to the low and the high byte of the half. */
ALWAYS __m512i fields(__m512i w, int at, __m512i v, int next, int mask) {
    return merge(merge(_mm512_setzero_si512(), w, at, mask), v, next - 8, mask << 8);
}

/* Words of TwoBitProducts. */
ALWAYS void two_bits(const __m512i *word, __m512i *to) {
#pragma GCC unroll 8
    for (int g = 0; g < 8; g++) {
        to[g] = _mm512_and_si512(_mm512_srli_epi32(word[g / 4], 2 * (g % 4)), _mm512_set1_epi8(3));
    }
}

/* Words of ThreeBitProducts. */
ALWAYS void three_bits(const __m512i *word, __m512i *to) {
    const __m512i field = _mm512_set1_epi8(7);
    const __m512i low = _mm512_set1_epi8(3);
#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
        to[2 * j] = _mm512_and_si512(word[j], field);
        to[2 * j + 1] = _mm512_and_si512(_mm512_srli_epi32(word[j], 3), field);
    }
#pragma GCC unroll 2
    for (int j = 0; j < 2; j++) {
        to[6 + j] = merge(_mm512_and_si512(_mm512_srli_epi32(word[j], 6), low), word[2], 4 + j, 0x404);
    }
}

/* Words of FiveBitProducts. */
ALWAYS void five_bits(const __m512i *word, __m512i *to) {
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
        to[j] = fields(word[j], 0, word[j], 5, 31);
    }
    to[5] = fields(word[0], 10, word[1], 10, 31);
    to[6] = fields(word[2], 10, word[3], 10, 31);
    to[7] = merge(_mm512_setzero_si512(), word[4], 10, 31);
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
        to[7] = merge(to[7], word[j], 7 - j, 0x100 << j);
    }
}

/* Words of SixBitProducts. */
ALWAYS void six_bits(const __m512i *word, __m512i *to) {
#pragma GCC unroll 2
    for (int h = 0; h < 2; h++) {
        const __m512i *w = word + 3 * h;
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++) {
            to[4 * h + j] = fields(w[j], 0, w[j], 6, 63);
        }
        __m512i last = fields(w[0], 12, w[2], 12, 15);
        to[4 * h + 3] = merge(merge(last, w[1], 8, 0x30), w[1], 2, 0x3000);
    }
}

/* Brings 32 columns to bytes. Lines are read in the order of their addresses: the processor then finds the stream sooner. */
ALWAYS void read_quants(enum quants quants, const uint8_t *at, block *to) {
    const __m512i low = _mm512_set1_epi8(15);
    const __m512i codes = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(quants == E2M1 ? FLOAT_CODES : CODES)));
    const int coded = quants == CODEBOOK || quants == E2M1;
    __m512i words[2][8];
#pragma GCC unroll 16
    for (int i = 0; i < 2 * words_of(quants); i++) {
        words[i % 2][i / 2] = _mm512_loadu_si512(at + i * LINE);
    }
#pragma GCC unroll 2
    for (int half = 0; half < 2; half++) {
        const __m512i *from = words[half];
        __m512i *w = to->w[half];
        switch (quants) {
            case TWO_BITS: two_bits(from, w); break;
            case THREE_BITS: three_bits(from, w); break;
            case FIVE_BITS: five_bits(from, w); break;
            case SIX_BITS: six_bits(from, w); break;
            case EIGHT_BITS:
#pragma GCC unroll 8
                for (int g = 0; g < 8; g++) {
                    w[g] = from[g];
                }
                break;
            default:
#pragma GCC unroll 4
                for (int g = 0; g < 4; g++) {
                    __m512i first = _mm512_and_si512(from[g], low);
                    __m512i second = _mm512_and_si512(_mm512_srli_epi16(from[g], 4), low);
                    w[g] = coded ? _mm512_shuffle_epi8(codes, first) : first;
                    w[4 + g] = coded ? _mm512_shuffle_epi8(codes, second) : second;
                }
        }
    }
}

/*
 * The first half block's columns in the order in which words hold them, two to a group of w: a group has these two, and those 16
 * columns further. Words of 4 and 8 bits have four columns that follow one another.
 */
ALWAYS const int8_t *ordered(enum quants quants, const int8_t *x, int8_t *to) {
    __m128i order;
    switch (quants) {
        case TWO_BITS: order = _mm_setr_epi8(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15); break;
        case THREE_BITS: order = _mm_setr_epi8(0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 13, 14, 15); break;
        case FIVE_BITS: order = _mm_setr_epi8(0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 2, 5, 8, 11, 14, 15); break;
        case SIX_BITS: order = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); break;
        default: return x;
    }
    __m128i first = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)x), order);
    __m128i second = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(x + HALF_BLOCK)), order);
    _mm_store_si128((__m128i *)to, _mm_unpacklo_epi16(first, second));
    _mm_store_si128((__m128i *)(to + HALF_BLOCK), _mm_unpackhi_epi16(first, second));
    return to;
}

#endif
