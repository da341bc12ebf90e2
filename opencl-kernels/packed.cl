/*
 * Blocks of types that stay as the file packs them: numbers of points of grids, which tables turn into columns, and digits of base 3.
 * A point is eight columns, or four of the IQ3 types; the tables in grids.cl are written by GridTables.java.
 *
 * Build options: PACKED, one of the types below; HEADER_BYTES of a panel, SCALE_BYTES of a block before its WORDS lines of 32 bits.
 *
 *           header                                              before the words of a block            words
 *   IQ1_S   d                                                   16 bits: 4 x 3 of numbers, scale, shift low bytes of 4 numbers
 *   IQ1_M   d; 3 x 16 bits: bit i of the scales of half blocks  16 bits: 4 x 3 of numbers and shift     low bytes of 4 numbers
 *   IQ2_XXS d                                                   -                                       4 numbers; 4 x 7 signs, scale
 *   IQ2_XS  d; bytes: scales of half blocks                     -                                       4 x 9 bits of number, 7 signs
 *   IQ2_S   d                                                   bytes: 4 x 2 of numbers; scales         low bytes of 4 numbers; signs
 *   IQ3_XXS d                                                   -                                       8 numbers; 4 x 7 signs, scale
 *   IQ3_S   d; 4 bytes: scales; 8 bytes: high bits of numbers   -                                       low bytes of 8 numbers; signs
 *   TQ1_0   d; 4 bytes: columns 29 and 31 of two blocks         bytes: columns 20 ... 27, 28, 30        columns 0 ... 19
 *
 * Half precision d; a scale s of 3 or 4 bits stands for 2 s + 1. Where signs are seven, the eighth makes their number even.
 */
#define IQ1_S 1
#define IQ1_M 2
#define IQ2_XXS 3
#define IQ2_XS 4
#define IQ2_S 5
#define IQ3_XXS 6
#define IQ3_S 7
#define TQ1_0 8

#include "grids.cl"

#if PACKED == IQ1_M || PACKED == IQ2_XS || PACKED == IQ2_S
#define HAS_HALF_BLOCKS 1
#else
#define HAS_HALF_BLOCKS 0
#endif
#define HAS_OFFSETS 0

/* What quants are: unsigned bytes of so many bits, ZERO standing for 0, in steps of UNIT. */
#if PACKED == IQ1_S || PACKED == IQ1_M
#define QUANT_BITS 5
#define ZERO 16
#define UNIT 0.125f
#elif PACKED == IQ2_XXS || PACKED == IQ2_XS || PACKED == IQ2_S
#define QUANT_BITS 7
#define ZERO 64
#define UNIT 0.125f
#elif PACKED == IQ3_XXS
#define QUANT_BITS 7
#define ZERO 64
#define UNIT 0.25f
#elif PACKED == IQ3_S
#define QUANT_BITS 5
#define ZERO 16
#define UNIT 1
#else
#define QUANT_BITS 2
#define ZERO 1
#define UNIT 1
#endif

#define QUANT_BYTES (WORDS * TILE_ROWS * 4)
#define WORD(i) LOAD_INTS(at + SCALE_BYTES + (i) * TILE_ROWS * 4 + row * 4)

/* Adds to the scale that a panel has those of a block, or of its halves. */
void read_packed_scales(const global uchar *panel, int b, int row, block_scales *to) {
    const global uchar *at = panel + HEADER_BYTES + b * BLOCK_BYTES;
#if PACKED == IQ1_M
    INT low = LOAD_SHORTS(panel + LINE + row * 2) >> 2 * b;
    INT middle = LOAD_SHORTS(panel + 2 * LINE + row * 2) >> 2 * b;
    INT high = LOAD_SHORTS(panel + 3 * LINE + row * 2) >> 2 * b;
    for (int i = 0; i < 2; i++) {
        to->half_scales[i] = 2 * (low >> i & 1 | (middle >> i & 1) << 1 | (high >> i & 1) << 2) + 1;
    }
#elif PACKED == IQ2_XS || PACKED == IQ2_S
#if PACKED == IQ2_XS
    INT scales = LOAD_BYTES(panel + LINE + b * TILE_ROWS + row);
#else
    INT scales = LOAD_SHORTS(at + row * 2) >> 8;
#endif
    to->half_scales[0] = 2 * (scales & 15) + 1;
    to->half_scales[1] = 2 * (scales >> 4) + 1;
#elif PACKED != TQ1_0
#if PACKED == IQ1_S
    INT scale = LOAD_SHORTS(at + row * 2) >> 12 & 7;
#elif PACKED == IQ3_S
    INT scale = LOAD_BYTES(panel + LINE + b / 2 * TILE_ROWS + row) >> b % 2 * 4 & 15;
#else
    INT scale = WORD(WORDS - 1) >> 28 & 15;
#endif
    to->scale *= TO_FLOAT(2 * scale + 1);
#endif
}

/* The points with these numbers, as 32 bits of each. */
#if PACKED != TQ1_0
INT points(INT numbers) {
#ifdef AVX512
    typedef int its __attribute__((__vector_size__(64)));
    its zeros = __builtin_astype((int16)0, its);
    return __builtin_astype(
            __builtin_ia32_gathersiv16si(zeros, (const void *)(size_t)grid, __builtin_astype(numbers, its), (ushort)-1, 4), int16);
#elif LANES == 16
    int at[16];
    vstore16(numbers, 0, at);
    return (int16)(
            grid[at[0]], grid[at[1]], grid[at[2]], grid[at[3]], grid[at[4]], grid[at[5]], grid[at[6]], grid[at[7]],
            grid[at[8]], grid[at[9]], grid[at[10]], grid[at[11]], grid[at[12]], grid[at[13]], grid[at[14]], grid[at[15]]);
#else
    return grid[numbers];
#endif
}
#endif

/* Four magnitudes and their signs, the lowest four bits, as quants. */
INT with_signs(INT magnitudes, INT signs) {
    INT negative = (signs & 15) * 0x00204081 & 0x01010101;
    return magnitudes + ZERO * 0x01010101 - 2 * (magnitudes & (negative << 8) - negative);
}

/* Seven signs and the one that makes their number even. */
INT eight_signs(INT seven) {
    INT four = (seven ^ seven >> 4) & 15;
    return seven | ((INT)0x6996 >> four & 1) << 7;
}

/* Magnitudes 8, 25 and 43 of the levels 0, 1 and 2 in the low half of each byte. */
INT magnitudes_of(INT levels) {
    INT its = levels & 0x0f0f0f0f;
    return 0x08080808 + (its << 4) + its + (its >> 1 & 0x01010101);
}

/* Digit 0.tuvwx of base 3 in each half of a word: t, and the fraction that is left. */
INT next_digits(INT *fractions) {
    INT times = *fractions * 3;
    *fractions = times & 0x00ff00ff;
    return times >> 8 & 0x00030003;
}

/* Reads the quants of a block: columns 4 i ... 4 i + 3 in word i, a byte for each. */
void read_block_quants(const global uchar *panel, int b, int row, INT *quants) {
    const global uchar *at = panel + HEADER_BYTES + b * BLOCK_BYTES;
#if PACKED == IQ1_S || PACKED == IQ1_M
    INT low = WORD(0);
    INT more = LOAD_SHORTS(at + row * 2);
    for (int p = 0; p < 4; p++) {
#if PACKED == IQ1_S
        INT high = more >> 3 * p & 7;
        INT negative = more >> 15 & 1;
#else
        INT high = more >> 4 * p & 7;
        INT negative = more >> (4 * p + 3) & 1;
#endif
        INT point = points(BYTE(low, p) | high << 8);
        INT shift = 0x09090909 - negative * 0x02020202;
        quants[2 * p] = ((point & 0x0f0f0f0f) << 3) + shift;
        quants[2 * p + 1] = ((point >> 4 & 0x0f0f0f0f) << 3) + shift;
    }
#elif PACKED == IQ2_XXS || PACKED == IQ2_XS || PACKED == IQ2_S
    INT words[2] = {WORD(0), WORD(1)};
#if PACKED == IQ2_S
    INT more = LOAD_SHORTS(at + row * 2);
#endif
    for (int p = 0; p < 4; p++) {
#if PACKED == IQ2_XXS
        INT number = BYTE(words[0], p);
        INT signs = eight_signs(words[1] >> 7 * p & 127);
#elif PACKED == IQ2_XS
        INT both = words[p / 2] >> p % 2 * 16;
        INT number = both & 511;
        INT signs = eight_signs(both >> 9 & 127);
#else
        INT number = BYTE(words[0], p) | (more >> 2 * p & 3) << 8;
        INT signs = BYTE(words[1], p);
#endif
        INT point = points(number);
        quants[2 * p] = with_signs(magnitudes_of(point), signs);
        quants[2 * p + 1] = with_signs(magnitudes_of(point >> 4), signs >> 4);
    }
#elif PACKED == IQ3_XXS || PACKED == IQ3_S
    INT words[3] = {WORD(0), WORD(1), WORD(2)};
#if PACKED == IQ3_S
    INT high = LOAD_BYTES(panel + LINE + (4 + b) * TILE_ROWS + row);
#endif
    for (int p = 0; p < 4; p++) {
#if PACKED == IQ3_XXS
        INT signs = eight_signs(words[2] >> 7 * p & 127);
#else
        INT signs = BYTE(words[2], p);
#endif
        for (int i = 2 * p; i < 2 * p + 2; i++) {
            INT number = BYTE(words[i / 4], i % 4);
#if PACKED == IQ3_S
            number |= (high >> i & 1) << 8;
#endif
            quants[i] = with_signs(points(number), i % 2 ? signs >> 4 : signs);
        }
    }
#else
    INT word = WORD(0);
    INT even = word & 0x00ff00ff;
    INT odd = word >> 8 & 0x00ff00ff;
    for (int i = 0; i < 5; i++) {
        INT first = next_digits(&even);
        quants[i] = first | next_digits(&odd) << 8;
    }
    INT bytes = LOAD_SHORTS(at + row * 2);
    INT both = bytes & 255 | bytes >> 8 << 16;
    for (int i = 5; i < 7; i++) {
        INT first = next_digits(&both);
        quants[i] = first | next_digits(&both) << 8;
    }
    INT rest = LOAD_BYTES(panel + LINE + b / 2 * TILE_ROWS + row);
    rest = (b % 2 ? rest * 9 : rest) & 255;
    INT last = next_digits(&rest);
    quants[7] = next_digits(&both) | last << 8 | next_digits(&rest) << 24;
#endif
}
