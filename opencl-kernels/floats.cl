/*
 * How weights of floats lie in memory: a tile is 32 rows; for each column it has a line with the values of its rows.
 *
 * Build options: FLOATS is F32, F16 or BF16.
 */
#define TILE_ROWS 32
#define F32 1
#define F16 2
#define BF16 3
#define VALUE_BYTES (FLOATS == F32 ? 4 : 2)

/* Bytes of a tile. */
size_t tile_bytes(int columns) {
    return (size_t)columns * TILE_ROWS * VALUE_BYTES;
}

/* The weights of a column. */
FLOAT load_weights(const global uchar *tile, int column, int row) {
    const global uchar *at = tile + ((size_t)column * TILE_ROWS + row) * VALUE_BYTES;
#if FLOATS == F32
    return LOAD_FLOATS(at);
#elif FLOATS == F16
    return load_halves(at);
#else
    return AS_FLOAT(LOAD_SHORTS(at) << 16);
#endif
}
