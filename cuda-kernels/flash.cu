// Attention over a paged cache on tensor cores. Compiled with KEYS and VALUES, the types of the cache, and with KEY_SIZE and VALUE_SIZE, the
// largest sizes of a key and of a value.

#include "flash_block.cuh"
#include "names.cuh"

#define JOIN_4(a, b, c, d) a##_##b##_##c##_##d
#define NAME_4(a, b, c, d) JOIN_4(a, b, c, d)

// Of larger heads, a block has less of everything else.
constexpr bool LARGE = KEY_SIZE > 128;
constexpr int ROW_WARPS = LARGE ? 4 : 8;
constexpr int ROW_TOKENS = KEY_SIZE > 192 ? 16 : KEY_SIZE > 96 ? 32 : 64;
constexpr int TOKEN_WARPS = 4;
constexpr int TOKEN_TOKENS = LARGE ? 16 : 32;

// The arguments are those of `attention` in attention.cu, with one group of queries in a block: rows_of_group * per_row is at most 16 for
// each warp of flash_rows, and at most 16 for flash_tokens.
#define FLASH(name, warps, blocks, tokens, together) \
    extern "C" __global__ void __launch_bounds__(warps *WARP, blocks) NAME_4(name, KEYS, VALUES, KEY_SIZE)(const int *live, \
            const int *positions, const int *slots, const int *page_table, int table_width, const float *q, \
            unsigned char *keys, unsigned char *values, int pages, int page_tokens, int stride, int key_size, int value_size, \
            int heads, int sharing, int per_row, int rows_of_group, int groups, float scale, int window, float softcap, \
            const float *sinks, float *out, float *partials) { \
        FlashBlock<KEY_TYPE, VALUE_TYPE, KEY_SIZE, VALUE_SIZE, warps, tokens, together> block( \
                {live, positions, slots, page_table, table_width, q, keys, values, pages, page_tokens, stride, key_size, value_size, \
                        heads, sharing, per_row, rows_of_group, groups, scale, window, softcap, sinks, out, partials}); \
        block.attend(); \
    }

// Warps have queries of their own, and share tiles of tokens: many rows.
FLASH(flash_rows, ROW_WARPS, 1, ROW_TOKENS, true)

// Warps have tiles of their own, and share queries: a row, or a few.
FLASH(flash_tokens, TOKEN_WARPS, 2, TOKEN_TOKENS, false)
