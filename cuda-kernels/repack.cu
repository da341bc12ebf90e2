/* Brings weights from the order of the file to that of tiles: include/layout.cuh, include/float_products.cuh. */
#include "layout.cuh"

/* How the blocks of a type are ordered anew. */
struct Order {
    int row_bytes;
    int block_bytes; /* of a value, for floats */
    int panel_blocks; /* blocks of the file in a whole panel; 0: floats, whose rows are one string */
    int rotation; /* the byte of the file's block that comes first */
    int first; /* bytes of its first field; more fields follow where blocks have 32 columns */
    int second; /* bytes of the second field; the rest is the third */
    int codes; /* so many leading bytes are numbers in a codebook, whose half bytes get the order of columns */
    int fifth_bits; /* where four bytes of fifth bits are, which get the order of quants.cuh; -1: nowhere */
};

/* A byte of a row's string. */
struct Place {
    int row;
    int panel;
    int blocks; /* of the panel */
    int offset;
};

/* Lines of `unit` bytes of each row, which follow what is `at` bytes long in each row. */
__device__ inline Place line(Place place, int at, int left, int unit) {
    place.row = left % (unit * TILE_ROWS) / unit;
    place.offset = at + left / (unit * TILE_ROWS) * unit + left % unit;
    return place;
}

/* What byte of what row belongs at `at` of a tile. */
__device__ inline Place place_of(const Order& order, int at) {
    Place place;
    bool floats = order.panel_blocks == 0;
    int panel_bytes = floats ? order.row_bytes : order.panel_blocks * order.block_bytes;
    place.panel = at / (panel_bytes * TILE_ROWS);
    int left = at % (panel_bytes * TILE_ROWS);
    int bytes_left = min(panel_bytes, order.row_bytes - place.panel * panel_bytes);
    place.blocks = bytes_left / order.block_bytes;
    bool whole = !floats && bytes_left == panel_bytes;
    int pieces = whole || floats ? bytes_left / 16 * 16 : place.blocks * order.first;
    if (left < pieces * TILE_ROWS) {
        place.row = left % 512 / 16;
        place.offset = left / 512 * 16 + left % 16;
        return place;
    }
    left -= pieces * TILE_ROWS;
    if (!whole) {
        int second = place.blocks * order.second;
        if (floats || left < second * TILE_ROWS) {
            return line(place, pieces, left, floats ? order.block_bytes : order.second);
        }
        return line(place, pieces + second, left - second * TILE_ROWS, order.block_bytes - order.first - order.second);
    }
    int size = 8;
    while (!(bytes_left & size) || left >= size * TILE_ROWS) {
        left -= bytes_left & size ? size * TILE_ROWS : 0;
        pieces += bytes_left & size;
        size /= 2;
    }
    return line(place, pieces, left, size);
}

/* A byte of a block of the file, counted from where the rotation begins. */
__device__ inline unsigned rotated(const Order& order, const bytes* block, int at) {
    at += order.rotation;
    return block[at < order.block_bytes ? at : at - order.block_bytes];
}

/* A byte of a block as it is stored. */
__device__ inline unsigned ordered(const Order& order, const bytes* block, int at) {
    if (at < order.codes) {
        /* Columns 0 ... 15 are in the low halves of 16 bytes, 16 ... 31 in the high ones. */
        int from = at / 16 * 16 + at % 8 * 2;
        int shift = at % 16 / 8 * 4;
        return (rotated(order, block, from) >> shift & 15) | (rotated(order, block, from + 1) >> shift & 15) << 4;
    }
    int bit = at - order.fifth_bits;
    if (order.fifth_bits >= 0 && bit >= 0 && bit < 4) {
        unsigned bits = 0;
        for (int i = 0; i < 8; i++) {
            int column = 4 * i + bit;
            bits |= (rotated(order, block, order.fifth_bits + column / 8) >> column % 8 & 1) << i;
        }
        return bits;
    }
    return rotated(order, block, at);
}

/* The byte of a row that belongs at a place. */
__device__ inline unsigned byte_of(const Order& order, const bytes* row, const Place& place) {
    if (order.panel_blocks == 0) {
        return row[place.offset];
    }
    int before = 0;
    int size = order.first;
    int left = place.offset;
    if (left >= place.blocks * size) {
        left -= place.blocks * size;
        before = size;
        size = order.second;
        if (left >= place.blocks * size) {
            left -= place.blocks * size;
            before += size;
            size = order.block_bytes - before;
        }
    }
    int block = place.panel * order.panel_blocks + left / size;
    return ordered(order, row + block * order.block_bytes, before + left % size);
}

/*
 * Repacks some tiles of a matrix; rows beyond the last are zeros.
 *
 * source: (rows, row_bytes) as in the file; out: (tiles, 32 * row_bytes); for the others see Order
 * blocks: (row_bytes / 32, tiles) of 256
 */
extern "C" __global__ void __launch_bounds__(256) repack(
        const bytes* __restrict__ source, unsigned* __restrict__ out, int rows, int row_bytes, int block_bytes, int panel_blocks,
        int rotation, int first, int second, int codes, int fifth_bits) {
    Order order{row_bytes, block_bytes, panel_blocks, rotation, first, second, codes, fifth_bits};
    int words = row_bytes * TILE_ROWS / 4;
    int word = blockIdx.x * 256 + threadIdx.x;
    if (word >= words) {
        return;
    }
    int tile = blockIdx.y;
    unsigned packed = 0;
#pragma unroll 1
    for (int i = 0; i < 4; i++) {
        Place place = place_of(order, 4 * word + i);
        int row = tile * TILE_ROWS + place.row;
        if (row < rows) {
            packed |= byte_of(order, source + static_cast<size_t>(row) * row_bytes, place) << 8 * i;
        }
    }
    out[static_cast<size_t>(tile) * words + word] = packed;
}
