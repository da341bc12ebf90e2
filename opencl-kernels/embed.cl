/*
 * Rows of a table, which is stored as the weights of products are. Build options: those of blocks.cl, or of floats.cl.
 */
#define LANES 1
#include "lanes.cl"
#ifdef FLOATS
#include "floats.cl"
#else
#include "blocks.cl"
#endif

/* Columns of a work-item. */
#define COLUMNS 32

/*
 * out[i] = table[ids[i]], for ids from `first` on and below `end`, the rows that this part of the table has.
 *
 * live: (1), the number of rows; ids: (n); out: (n, columns)
 * work-items: (columns / 32 or more, limit)
 */
kernel void embed(
        const global int *live, const global int *ids, const global uchar *table, int first, int end, int columns,
        global float *out) {
    int token = get_global_id(1);
    int from = get_global_id(0) * COLUMNS;
    if (token >= *live || from >= columns) {
        return;
    }
    int id = ids[token];
    if (id < first || id >= end) {
        return;
    }
    const global uchar *tile = table + (id - first) / TILE_ROWS * tile_bytes(columns);
    int row = (id - first) % TILE_ROWS;
    out += (size_t)token * columns;
#ifdef FLOATS
    for (int column = from; column < min(from + COLUMNS, columns); column++) {
        out[column] = load_weights(tile, column, row);
    }
#else
    const global uchar *panel = tile + (size_t)(from / COLUMNS / PANEL_BLOCKS) * PANEL_BYTES;
    int b = from / COLUMNS % PANEL_BLOCKS;
    block_scales scales = read_scales(panel, b, row);
#ifdef PACKED
    int words[8];
    read_block_quants(panel, b, row, words);
#endif
    for (int i = 0; i < 8; i++) {
#ifdef PACKED
        int quants = words[i];
#else
        int quants = read_quants(panel, b, row, i);
#endif
#if HAS_HALF_BLOCKS
        float scale = scales.scale * scales.half_scales[i / 4];
#else
        float scale = scales.scale;
#endif
#if SCALES == NIBBLES_OF_HALF_BLOCKS
        float offset = scales.offset * scales.half_minima[i / 4];
#elif HAS_OFFSETS
        float offset = scales.offset;
#else
        float offset = 0;
#endif
        for (int j = 0; j < 4; j++) {
            out[from + 4 * i + j] = scale * (BYTE(quants, j) - ZERO) + offset;
        }
    }
#endif
}
