/*
 * How quantized weights lie in memory, and how a block of them is read. A tile is 32 rows; along its columns it is cut into panels of
 * 256 (the last may be shorter), and these into blocks of 32. A panel has a header, then its blocks, each with its scales before its
 * quants. All is in lines of one number for each of the 32 rows: neighbouring work-items read neighbouring numbers.
 *
 * Build options, a row of the table of types in WeightLayout.java:
 *   LOW_BITS 2, 4 or 8: words of 32 bits with the low bits of a row's 32 columns. Column 4 i + j is in byte j, at bit
 *     LOW_BITS * (i / LOW_WORDS) of word i % LOW_WORDS.
 *   HIGH_BITS 0, 1 or 2: words with the bits above, in the same way.
 *   ZERO: the quant that means 0, or the number in the codebook.
 *   SCALES: where scales are; see below.
 *   UNIT: a factor on all scales.
 *   CODES_LOW, CODES_HIGH: the codebook that quants are numbers in, if there is one: unsigned bytes.
 * Or PACKED and what goes with it: packed.cl.
 */
#define TILE_ROWS 32
#define PANEL_BLOCKS 8

/* A half precision scale before each block. */
#define HALVES 0
/* A half precision scale and one offset before each block. */
#define HALVES_AND_OFFSETS 1
/* Header: half precision d and -dmin. Before a block two bytes s, m: scale d s, offset -dmin m. */
#define BYTES_AND_MINIMA 2
/* Header: half precision d, then a line of signed bytes s for each block: scale d s. */
#define BYTES 3
/* Header: half precision d. Before a block two signed bytes s: a half block's scale is d s. */
#define BYTES_OF_HALF_BLOCKS 4
/* Header: half precision d and -dmin. Before a block two bytes s + 16 m: a half block's scale is d s, its offset -dmin m. */
#define NIBBLES_OF_HALF_BLOCKS 5
/* Header: a half precision scale of all blocks. */
#define HALVES_OF_PANELS 6
/* Header: a line of bytes e for each block: scale 2^(e - 127). */
#define EXPONENTS 7
/*
 * Header: half precision d; a line of bytes for each block with the low four bits of s + 32 of its halves, then one for two blocks with
 * the high two bits: a half block's scale is d s.
 */
#define SIX_BITS_OF_HALF_BLOCKS 8

#define LINE (TILE_ROWS * 2)

/* The scales of a block: a weight is scale * (quant - ZERO) + offset. Those of half blocks are in units of scale and offset. */
typedef struct {
    FLOAT scale;
    FLOAT offset;
    INT half_scales[2];
    INT half_minima[2];
} block_scales;

#define BLOCK_BYTES (SCALE_BYTES + QUANT_BYTES)
#define PANEL_BYTES (HEADER_BYTES + PANEL_BLOCKS * BLOCK_BYTES)

#ifdef PACKED
#include "packed.cl"
#else
#define LOW_WORDS LOW_BITS
#define HIGH_WORDS HIGH_BITS
#define QUANT_BYTES ((LOW_WORDS + HIGH_WORDS) * TILE_ROWS * 4)

#if SCALES == HALVES
#define HEADER_BYTES 0
#define SCALE_BYTES LINE
#elif SCALES == HALVES_AND_OFFSETS
#define HEADER_BYTES 0
#define SCALE_BYTES (2 * LINE)
#elif SCALES == BYTES
#define HEADER_BYTES (LINE + PANEL_BLOCKS * TILE_ROWS)
#define SCALE_BYTES 0
#elif SCALES == EXPONENTS
#define HEADER_BYTES (PANEL_BLOCKS * TILE_ROWS)
#define SCALE_BYTES 0
#elif SCALES == HALVES_OF_PANELS
#define HEADER_BYTES LINE
#define SCALE_BYTES 0
#elif SCALES == SIX_BITS_OF_HALF_BLOCKS
#define HEADER_BYTES (LINE + 12 * TILE_ROWS)
#define SCALE_BYTES 0
#elif SCALES == BYTES_OF_HALF_BLOCKS
#define HEADER_BYTES LINE
#define SCALE_BYTES LINE
#else
#define HEADER_BYTES (2 * LINE)
#define SCALE_BYTES LINE
#endif

#define HAS_OFFSETS (SCALES == HALVES_AND_OFFSETS || SCALES == BYTES_AND_MINIMA || SCALES == NIBBLES_OF_HALF_BLOCKS)
#define HAS_HALF_BLOCKS                                                                                          \
    (SCALES == BYTES_OF_HALF_BLOCKS || SCALES == NIBBLES_OF_HALF_BLOCKS || SCALES == SIX_BITS_OF_HALF_BLOCKS)

#endif

/* Bytes of a tile. */
size_t tile_bytes(int columns) {
    int blocks = columns / 32;
    int panels = (blocks + PANEL_BLOCKS - 1) / PANEL_BLOCKS;
    return (size_t)panels * HEADER_BYTES + (size_t)blocks * BLOCK_BYTES;
}

/*
 * Reads the scales of a block.
 * panel: where the block's panel begins; b: which block of the panel it is; row: the first row of this work-item's lanes
 */
block_scales read_scales(const global uchar *panel, int b, int row) {
    block_scales to;
    const global uchar *at = panel + HEADER_BYTES + b * BLOCK_BYTES + row * 2;
    const global uchar *header = panel + row * 2;
#ifdef PACKED
    to.scale = load_halves(header);
    read_packed_scales(panel, b, row, &to);
#elif SCALES == HALVES
    to.scale = load_halves(at);
#elif SCALES == HALVES_OF_PANELS
    to.scale = load_halves(header);
#elif SCALES == HALVES_AND_OFFSETS
    to.scale = load_halves(at);
    to.offset = load_halves(at + LINE);
#elif SCALES == BYTES_AND_MINIMA
    INT bytes = LOAD_SHORTS(at);
    to.scale = load_halves(header) * TO_FLOAT(BYTE(bytes, 0));
    to.offset = load_halves(header + LINE) * TO_FLOAT(BYTE(bytes, 1));
#elif SCALES == BYTES
    INT byte = LOAD_BYTES(panel + LINE + b * TILE_ROWS + row);
    to.scale = load_halves(header) * TO_FLOAT(SIGNED_BYTE(byte, 0));
#elif SCALES == BYTES_OF_HALF_BLOCKS
    INT bytes = LOAD_SHORTS(at);
    to.scale = load_halves(header);
    to.half_scales[0] = SIGNED_BYTE(bytes, 0);
    to.half_scales[1] = SIGNED_BYTE(bytes, 1);
#elif SCALES == SIX_BITS_OF_HALF_BLOCKS
    INT low = LOAD_BYTES(panel + LINE + b * TILE_ROWS + row);
    INT high = LOAD_BYTES(panel + LINE + (PANEL_BLOCKS + b / 2) * TILE_ROWS + row) >> b % 2 * 4;
    to.scale = load_halves(header);
    to.half_scales[0] = (low & 15 | (high & 3) << 4) - 32;
    to.half_scales[1] = (low >> 4 | (high & 12) << 2) - 32;
#elif SCALES == NIBBLES_OF_HALF_BLOCKS
    INT bytes = LOAD_SHORTS(at);
    to.scale = load_halves(header);
    to.offset = load_halves(header + LINE);
    to.half_scales[0] = bytes & 15;
    to.half_scales[1] = bytes >> 8 & 15;
    to.half_minima[0] = bytes >> 4 & 15;
    to.half_minima[1] = bytes >> 12;
#else
    INT byte = LOAD_BYTES(panel + b * TILE_ROWS + row);
    /* 2^-127 has no exponent, but the upper bit of its fraction. Exponent 255 is that of no number. */
    to.scale = AS_FLOAT(select(select(byte << 23, (INT)0x00400000, byte == 0), (INT)0x7fc00000, byte == 255));
#endif
#ifdef UNIT
    to.scale *= UNIT;
#endif
    return to;
}

#ifndef PACKED
#ifdef CODES_LOW
/* The codes that the four bytes of each lane are the numbers of. */
INT codes(INT numbers) {
#ifdef AVX512
    typedef char bytes __attribute__((__vector_size__(64)));
    ulong8 table = (ulong8)(CODES_LOW, CODES_HIGH, CODES_LOW, CODES_HIGH, CODES_LOW, CODES_HIGH, CODES_LOW, CODES_HIGH);
    return __builtin_astype(
            __builtin_ia32_pshufb512(__builtin_astype(table, bytes), __builtin_astype(numbers, bytes)), int16);
#else
    INT result = 0;
    for (int i = 0; i < 4; i++) {
        INT number = BYTE(numbers, i);
        LONG shift = TO_LONG((number & 7) << 3);
        INT low = TO_INT((LONG)CODES_LOW >> shift & 255);
        INT high = TO_INT((LONG)CODES_HIGH >> shift & 255);
        INT upper = -(number >> 3);
        result |= (low & ~upper | high & upper) << 8 * i;
    }
    return result;
#endif
}
#endif

/* Reads the quants of columns 4 i ... 4 i + 3 of a block, a byte for each, i being known when this is compiled. */
INT read_quants(const global uchar *panel, int b, int row, int i) {
    const global uchar *at = panel + HEADER_BYTES + b * BLOCK_BYTES + SCALE_BYTES + row * 4;
    INT quants = LOAD_INTS(at + i % LOW_WORDS * TILE_ROWS * 4);
#if LOW_BITS < 8
    quants = quants >> LOW_BITS * (i / LOW_WORDS) & 0x01010101 * ((1 << LOW_BITS) - 1);
#endif
#if HIGH_BITS
    INT high = LOAD_INTS(at + (LOW_WORDS + i % HIGH_WORDS) * TILE_ROWS * 4);
    quants |= (high >> HIGH_BITS * (i / HIGH_WORDS) & 0x01010101 * ((1 << HIGH_BITS) - 1)) << LOW_BITS;
#endif
#ifdef CODES_LOW
    quants = codes(quants);
#endif
    return quants;
}
#endif
