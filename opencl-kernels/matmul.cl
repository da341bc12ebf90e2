/*
 * Products: out = x * weights^T (+ bias). Weights are stored in tiles of 32 rows. A work-item has VECTORS * LANES rows of a tile at a
 * time and TOKENS tokens, whose results it keeps; a work-group has a tile. Where it has SPLITS work-items for the same rows, each takes
 * every SPLITS-th block of columns, and their results are added.
 *
 * Build options: those of lanes.cl; those of blocks.cl, or of floats.cl; TOKENS, SPLITS.
 */
/* The tokens to pass: all where the compiler shall keep their results in registers. */
#if LANES == 1 || TOKENS == 1
#define PASSED(count) TOKENS
#else
#define PASSED(count) (count)
#endif

#include "lanes.cl"
#ifdef FLOATS
#include "float_products.cl"
#else
#include "block_products.cl"
#endif

/* Some rows of a matrix, in whole tiles, and where their results go. */
typedef struct {
    const global uchar *weights;
    const global float *bias; /* (1, width), or null */
    global float *out; /* (n, width) */
    int tiles;
    int first; /* the row of the matrix that is the first of these */
    int end; /* the row of the matrix after the last of these */
    int width; /* rows of the matrix */
} part;

/* Kernels take four parts, those that are not used with 0 tiles. */
#define PART(i) const global uchar *weights##i, const global float *bias##i, global float *out##i, int4 shape##i
#define PARTS PART(0), PART(1), PART(2), PART(3)
#define MAKE_PART(i) {weights##i, bias##i, out##i, shape##i.x, shape##i.y, shape##i.z, shape##i.w}

/* Of the tiles of all parts, finds the part that a tile belongs to, and its number there. */
#define FIND_PART(found, tile)                                                     \
    part found = MAKE_PART(0);                                                     \
    if (tile >= found.tiles) {                                                     \
        part others[3] = {MAKE_PART(1), MAKE_PART(2), MAKE_PART(3)};               \
        for (int i = 0; i < 3 && tile >= found.tiles; i++) {                       \
            tile -= found.tiles;                                                   \
            found = others[i];                                                     \
        }                                                                          \
    }

/* Stores the results of LANES rows and a token. */
void store(part p, int row, int output, FLOAT result) {
    global float *to = p.out + (size_t)output * p.width + row;
#if LANES == 16
    if (row + LANES <= p.end) {
        vstore16(p.bias ? result + vload16(0, p.bias + row) : result, 0, to);
    } else {
        float lanes[LANES];
        vstore16(result, 0, lanes);
        for (int i = 0; i < p.end - row; i++) {
            to[i] = p.bias ? lanes[i] + p.bias[row + i] : lanes[i];
        }
    }
#else
    if (row < p.end) {
        *to = p.bias ? result + p.bias[row] : result;
    }
#endif
}

#if SPLITS > 1
/* Adds up what the work-items of the same rows have: those of the first get the sums. */
void add_splits(local float sums[SPLITS][TILE_ROWS], FLOAT *result) {
    int row = get_local_id(0);
    int split = get_local_id(1);
    sums[split][row] = *result;
    for (int others = SPLITS / 2; others > 0; others /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (split < others) {
            sums[split][row] += sums[split + others][row];
        }
    }
    *result = sums[split][row];
    barrier(CLK_LOCAL_MEM_FENCE);
}
#define SPLIT_SUMS local float sums[SPLITS][TILE_ROWS];
#define SUMS_ARGUMENT , local float sums[SPLITS][TILE_ROWS]
#define SUMS , sums
#else
#define SPLIT_SUMS
#define SUMS_ARGUMENT
#define SUMS
#endif

/* The product of a tile with `count` tokens; inputs and outputs are the rows of x and of out. */
void multiply_tile(
        part p, const global uchar *tile, int first, int columns, input x, const int *inputs, const int *outputs,
        int count SUMS_ARGUMENT) {
    for (int row = get_local_id(0) * VECTORS * LANES; row < TILE_ROWS; row += get_local_size(0) * VECTORS * LANES) {
        FLOAT results[TOKENS][VECTORS];
        for (int t = 0; t < PASSED(count); t++) {
            for (int v = 0; v < VECTORS; v++) {
                results[t][v] = 0;
            }
        }
        multiply(tile, columns, row, x, inputs, count, results);
        for (int t = 0; t < PASSED(count); t++) {
            for (int v = 0; v < VECTORS; v++) {
#if SPLITS > 1
                add_splits(sums, &results[t][v]);
#endif
                int to = first + row + v * LANES;
                if (t < count && get_local_id(1) == 0 && to < p.end) {
                    store(p, to, outputs[t], results[t][v]);
                }
            }
        }
    }
}

/*
 * The products of a group of weights, one row of x for each of the live ones of out.
 *
 * live: (1), the number of rows; x: (n, columns), F32, or the bytes of quantized activations and their blocks
 * work-groups: (limit / TOKENS, tiles of all parts); work-items of one: (TILE_ROWS / LANES or fewer, SPLITS)
 */
kernel void matmul(const global int *live, const global uchar *x, const global int2 *blocks, int columns, PARTS) {
    SPLIT_SUMS
    int begin = get_group_id(0) * TOKENS;
    int tile = get_group_id(1);
    int count = min(TOKENS, *live - begin);
    if (count <= 0) {
        return;
    }
    FIND_PART(p, tile)
    int rows[TOKENS];
    for (int t = 0; t < TOKENS; t++) {
        rows[t] = begin + min(t, count - 1);
    }
    const global uchar *weights = p.weights + tile * tile_bytes(columns);
    multiply_tile(p, weights, p.first + tile * TILE_ROWS, columns, input_of(x, blocks), rows, rows, count SUMS);
}

/*
 * Lists, for each expert, the places of the live rows of ids that chose it: a place is a row's choice, counted through all rows.
 *
 * live: (1), the number of rows; ids: (n, used); counts: (experts); places: (experts, capacity)
 * work-items: one for each expert, or more
 */
kernel void list_places(
        const global int *live, const global int *ids, int used, int experts, int capacity, global int *counts,
        global int *places) {
    int expert = get_global_id(0);
    if (expert >= experts) {
        return;
    }
    int count = 0;
    for (int place = 0; place < *live * used; place++) {
        if (ids[place] == expert) {
            places[(size_t)expert * capacity + count++] = place;
        }
    }
    counts[expert] = count;
}

/*
 * The products of a group of weights with one matrix for each expert; place i of out has the results of its expert. For one token at a
 * time each place is a work-group's; for more, each expert is, with all its places.
 *
 * live: (1), the number of rows; ids: (n, used), or the places of list_places; counts: (experts), of no use for one token
 * x, blocks: as for matmul, (n * used / sharing, columns); sharing: places that share a row of x: 1 or used
 * first, end: the experts whose weights these are
 * work-groups: (places or experts, tiles of a matrix of all parts); work-items of one: those of matmul
 */
kernel void expert_matmul(
        const global int *live, const global int *ids, const global int *counts, int used, int capacity, const global uchar *x,
        const global int2 *blocks, int sharing, int columns, int first, int end, PARTS) {
    SPLIT_SUMS
    int group = get_group_id(0);
    int tile = get_group_id(1);
#if TOKENS == 1
    if (group >= *live * used) {
        return;
    }
    int expert = ids[group];
    int places = 1;
#else
    int expert = first + group;
    int places = counts[expert];
#endif
    if (expert < first || expert >= end) {
        return;
    }
    FIND_PART(p, tile)
    const global uchar *weights = p.weights + ((size_t)(expert - first) * p.tiles + tile) * tile_bytes(columns);
    for (int begin = 0; begin < places; begin += TOKENS) {
        int count = min(TOKENS, places - begin);
        int inputs[TOKENS];
        int outputs[TOKENS];
        for (int t = 0; t < TOKENS; t++) {
#if TOKENS == 1
            outputs[t] = group;
#else
            outputs[t] = ids[(size_t)expert * capacity + begin + min(t, count - 1)];
#endif
            inputs[t] = outputs[t] / sharing;
        }
        multiply_tile(p, weights, tile * TILE_ROWS, columns, input_of(x, blocks), inputs, outputs, count SUMS);
    }
}
