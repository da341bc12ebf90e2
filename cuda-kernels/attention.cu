// Attention over a paged cache. Compiled with KEYS and VALUES, the types of the cache.

#include "attention.cuh"
#include "names.cuh"

// What the warps that share queries found, as one: `parts` of them, each `apart` behind the one before.
template <int SIZE, int QUERIES>
__device__ void merge(const Attention &a, const WarpMemory<SIZE, QUERIES> *warps, int parts, int apart, int j, size_t place,
        int head, int thread, int threads) {
    int splits = gridDim.x;
    float most = LEAST;
#pragma unroll 1
    for (int part = 0; part < parts; part++) {
        most = fmaxf(most, warps[part * apart].most[j]);
    }
    float factors[WARPS];
    float total = 0;
#pragma unroll
    for (int part = 0; part < WARPS; part++) {
        factors[part] = part < parts ? expf(warps[part * apart].most[j] - most) : 0;
        total += part < parts ? factors[part] * warps[part * apart].totals[j] : 0;
    }
    float factor = 1;
    float *target = a.partials + (place * splits + blockIdx.x) * (a.value_size + 2);
    if (splits == 1) {
        if (a.sinks) {
            float sink = a.sinks[head];
            float with = fmaxf(most, sink);
            factor = expf(most - with);
            total = total * factor + expf(sink - with);
        }
        factor /= total;
        target = a.out + place * a.value_size;
    } else if (thread == 0) {
        target[a.value_size] = most;
        target[a.value_size + 1] = total;
    }
#pragma unroll 1
    for (int column = thread; column < a.value_size; column += threads) {
        float sum = 0;
#pragma unroll
        for (int part = 0; part < WARPS; part++) {
            sum = part < parts ? fmaf(factors[part], warps[part * apart].area[j][column], sum) : sum;
        }
        target[column] = sum * factor;
    }
}

// Warps of a block are in groups of different queries; the warps of a group, its parts, take turns at the tiles of tokens.
template <int SIZE, int QUERIES> __device__ void attend(const Attention &a) {
    __shared__ WarpMemory<SIZE, QUERIES> memory[WARPS];
    int warp = threadIdx.x / WARP;
    int group = warp % a.groups;
    int part = warp / a.groups;
    int parts = WARPS / a.groups;
    int first_row = (blockIdx.z * a.groups + group) * a.rows_of_group;
    int end_row = min(first_row + a.rows_of_group, *a.live);
    int chunks = (a.sharing + a.per_row - 1) / a.per_row;
    int kv_head = blockIdx.y / chunks;
    int chunk = blockIdx.y % chunks * a.per_row;
    int head = kv_head * a.sharing + chunk;
    int count = min(a.per_row, a.sharing - chunk);
    AttendingWarp<KEY_TYPE, VALUE_TYPE, SIZE, QUERIES> attending(a, memory[warp], kv_head, head, count, first_row);
#pragma unroll 1
    for (int row = first_row; row < end_row;) {
        Run run(a, row, end_row);
        int tiles = (run.greatest + 1 - run.first + TILE - 1) / TILE;
        int per_split = (tiles + gridDim.x - 1) / gridDim.x;
        int end = min(tiles, (static_cast<int>(blockIdx.x) + 1) * per_split);
        attending.load_queries(run);
#pragma unroll 1
        for (int tile = blockIdx.x * per_split + part; tile < end; tile += parts) {
            attending.attend(run, run.first + tile * TILE, run.greatest + 1);
        }
        attending.leave();
        // The parts of a group have the same rows, and where there are several parts there is one group.
        if (parts > 1) {
            __syncthreads();
        } else {
            __syncwarp();
        }
#pragma unroll 1
        for (int its = run.row; its < run.end; its++) {
#pragma unroll 1
            for (int h = 0; h < count; h++) {
                merge(a, memory + group, parts, a.groups, (its - first_row) * count + h,
                        static_cast<size_t>(its) * a.heads + head + h, head + h, part * WARP + threadIdx.x % WARP,
                        parts * WARP);
            }
        }
        if (parts > 1) {
            __syncthreads();
        }
        row = run.end;
    }
}

// A block takes the queries of some rows and of some query heads that share a key head, and one part of the tokens that they see. The
// `sharing` query heads of a key head are in chunks of `per_row`, the last of which may be smaller. Rows that are not of one sequence are
// done run by run. Tokens that no row sees are not read. Where there are several splits, each leaves in `partials` its sums, its largest
// score and its total. Blocks of 128 threads (splits, key heads * chunks, rows / (groups * rows_of_group)).
//   live          (1)
//   positions     (n)
//   slots         (n)
//   page_table    (slots, table_width)
//   q             (n, heads, key_size)
//   keys, values  those of the cache
//   per_row       query heads of a row in a group, at most QUERIES
//   rows_of_group rows of a group: rows_of_group * per_row is at most QUERIES
//   groups        groups of queries in a block, a warp for each, or one that all warps share: 1 or 4
//   window        the tokens that a row sees, or 0
//   softcap       or 0
//   sinks         (heads) or null
//   out           (n, heads, value_size)
//   partials      (n, heads, splits, value_size + 2) or null
#define ATTENTION(size, queries) \
    extern "C" __global__ void __launch_bounds__(WARPS *WARP, 3) VARIANT(attention, size, queries)(const int *live, \
            const int *positions, const int *slots, const int *page_table, int table_width, const float *q, \
            unsigned char *keys, unsigned char *values, int pages, int page_tokens, int stride, int key_size, int value_size, \
            int heads, int sharing, int per_row, int rows_of_group, int groups, float scale, int window, float softcap, \
            const float *sinks, float *out, float *partials) { \
        attend<size, queries>({live, positions, slots, page_table, table_width, q, keys, values, pages, page_tokens, stride, \
                key_size, value_size, heads, sharing, per_row, rows_of_group, groups, scale, window, softcap, sinks, out, \
                partials}); \
    }

ATTENTION(64, 1)
ATTENTION(64, 4)
ATTENTION(128, 1)
ATTENTION(128, 4)
ATTENTION(256, 4)
