// Attention of a block of warps over a paged cache with streaming softmax (Milakov and Gimelshein, 2018; Dao et al., 2022).
#pragma once

#include "activations.cuh"
#include "cache_reads.cuh"

constexpr int WARPS = 4;
constexpr int TILE = 32;
constexpr float LEAST = -1e30f;

// The arguments of the kernel `attention`, which attention.cu explains.
struct Attention {
    const int *live;
    const int *positions;
    const int *slots;
    const int *page_table;
    int table_width;
    const float *q;
    unsigned char *keys;
    unsigned char *values;
    int pages;
    int page_tokens;
    int stride;
    int key_size;
    int value_size;
    int heads;
    int sharing;
    int per_row;
    int rows_of_group;
    int groups;
    float scale;
    int window;
    float softcap;
    const float *sinks;
    float *out;
    float *partials;
};

// Rows of one sequence that follow each other share its keys and values.
struct Run {
    int row;       // the first
    int end;       // behind the last
    int slot;      // of the sequence
    int first;     // the first token that any of them sees
    int greatest;  // the last one

    __device__ Run(const Attention &a, int row, int end_row) : row(row), end(row + 1), slot(a.slots[row]) {
        int least = a.positions[row];
        greatest = least;
#pragma unroll 1
        while (end < end_row && a.slots[end] == slot) {
            least = min(least, a.positions[end]);
            greatest = max(greatest, a.positions[end]);
            end++;
        }
        first = a.window == 0 ? 0 : max(0, least - a.window + 1);
    }

    __device__ bool has(int its) const {
        return its >= row && its < end;
    }
};

// What a warp has in shared memory: its queries, at most QUERIES, of heads of at most SIZE values.
template <int SIZE, int QUERIES> struct alignas(16) WarpMemory {
    float area[QUERIES][SIZE];           // queries, floats or bytes; in the end sums of values
    float weights[QUERIES][TILE];        // of the tokens of a tile
    int indices[TILE];                   // where those tokens stand in the cache
    float scales[QUERIES][SIZE / BLOCK]; // of quantized queries
    int sums[QUERIES][SIZE / BLOCK];     // the integer from which a block's product with quantized keys is counted
    int last[QUERIES];                   // the last token that a query sees; -1: it is none
    float most[QUERIES];                 // in the end: the largest score
    float totals[QUERIES];               // in the end: the sum of weights, relative to that score
};

// A warp's part of an attention: some queries that share a key head, and the tiles of tokens that it does for them.
template <Cache KEYS_AS, Cache VALUES_AS, int SIZE, int QUERIES> struct AttendingWarp {
    static constexpr int COLUMNS = SIZE / WARP;

    const Attention &a;
    WarpMemory<SIZE, QUERIES> &memory;
    CacheHead<KEYS_AS> keys;
    CacheHead<VALUES_AS> values;
    int lane;
    int head;       // the first of its query heads
    int count;      // of these
    int first_row;  // the first of its rows

    // Lane j has those of query j.
    float most;    // the largest score so far
    float total;   // the sum of weights, relative to that score
    float factor;  // from the largest score before the latest tile to the one after it

    float sums[QUERIES][COLUMNS];  // of values, relative to the largest score before the latest tile

    __device__ AttendingWarp(const Attention &a, WarpMemory<SIZE, QUERIES> &memory, int kv_head, int head,
            int count, int first_row)
        : a(a),
          memory(memory),
          keys(a.keys, kv_head, a.key_size, a.pages, a.stride),
          values(a.values, kv_head, a.value_size, a.pages, a.stride),
          lane(threadIdx.x % WARP),
          head(head),
          count(count),
          first_row(first_row) {}

    // Query j: that of a head of a row.
    __device__ int row_of(int j) const {
        return first_row + j / count;
    }

    __device__ size_t place_of(int j) const {
        return static_cast<size_t>(row_of(j)) * a.heads + head + j % count;
    }

    // Brings the queries of a run to shared memory; those that are none are zero.
    __device__ void load_queries(const Run &run) {
        __syncwarp();
#pragma unroll 1
        for (int j = 0; j < QUERIES; j++) {
            bool is = j < a.rows_of_group * count && run.has(row_of(j));
            const float *q = a.q + (is ? place_of(j) * a.key_size : 0);
            if constexpr (quantizes(KEYS_AS)) {
                load_quantized(q, is, j);
            } else {
#pragma unroll 1
                for (int i = lane; i < padded<KEYS_AS>(a.key_size); i += WARP) {
                    memory.area[j][i] = is && i < a.key_size ? q[i] * a.scale : 0;
                }
            }
            if (lane == 0) {
                memory.last[j] = is ? a.positions[row_of(j)] : -1;
            }
        }
        __syncwarp();
        most = LEAST;
        total = 0;
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) {
                sums[j][c] = 0;
            }
        }
    }

    __device__ void load_quantized(const float *q, bool is, int j) {
#pragma unroll 1
        for (int block = 0; block < keys.blocks; block++) {
            float x = is ? q[block * BLOCK + lane] : 0;
            float amax = warp_max(fabsf(x));
            int value = quantized(x, inverse_of(amax));
            reinterpret_cast<signed char *>(memory.area[j])[block * BLOCK + lane] = value;
            int sum = KEYS_AS == Cache::q4_0 ? -8 * warp_sum(value) : 0;
            if (lane == 0) {
                memory.scales[j][block] = __fdiv_rn(amax, 127) * a.scale;
                memory.sums[j][block] = sum;
            }
        }
    }

    // The products of all queries with the key of this lane's token.
    __device__ void score(int index, float *s) const {
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            s[j] = 0;
        }
        const unsigned char *row = keys.row(index);
        if constexpr (quantizes(KEYS_AS)) {
            const unsigned short *scales = keys.scales_of(index);
#pragma unroll 1
            for (int block = 0; block < keys.blocks; block++) {
                score_block(row, scale_of(scales[block]), block, s);
            }
        } else {
            constexpr int values_of_piece = PIECE<KEYS_AS>;
#pragma unroll 1
            for (int i = 0; i < a.key_size; i += values_of_piece) {
                float key[values_of_piece];
                read_piece<KEYS_AS>(row, key);
                row += 16;
#pragma unroll
                for (int j = 0; j < QUERIES; j++) {
#pragma unroll
                    for (int k = 0; k < values_of_piece; k += 4) {
                        float4 q = *reinterpret_cast<const float4 *>(&memory.area[j][i + k]);
                        s[j] = fmaf(q.x, key[k], s[j]);
                        s[j] = fmaf(q.y, key[k + 1], s[j]);
                        s[j] = fmaf(q.z, key[k + 2], s[j]);
                        s[j] = fmaf(q.w, key[k + 3], s[j]);
                    }
                }
            }
        }
    }

    // The same of one block of quantized values.
    __device__ void score_block(const unsigned char *row, float scale, int block, float *s) const {
        uint4 low;
        uint4 high;
        if constexpr (KEYS_AS == Cache::q8_0) {
            low = reinterpret_cast<const uint4 *>(row)[2 * block];
            high = reinterpret_cast<const uint4 *>(row)[2 * block + 1];
        } else {
            uint4 both = reinterpret_cast<const uint4 *>(row)[block];
            low = make_uint4(both.x & 0x0f0f0f0f, both.y & 0x0f0f0f0f, both.z & 0x0f0f0f0f, both.w & 0x0f0f0f0f);
            high = make_uint4(
                    both.x >> 4 & 0x0f0f0f0f, both.y >> 4 & 0x0f0f0f0f, both.z >> 4 & 0x0f0f0f0f, both.w >> 4 & 0x0f0f0f0f);
        }
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            const int4 *q = reinterpret_cast<const int4 *>(memory.area[j]) + 2 * block;
            int sum = KEYS_AS == Cache::q4_0 ? memory.sums[j][block] : 0;
            sum = dot16(q[0], low, sum);
            sum = dot16(q[1], high, sum);
            s[j] = fmaf(sum * memory.scales[j][block], scale, s[j]);
        }
    }

    static __device__ int dot16(int4 q, uint4 key, int sum) {
        sum = __dp4a(q.x, static_cast<int>(key.x), sum);
        sum = __dp4a(q.y, static_cast<int>(key.y), sum);
        sum = __dp4a(q.z, static_cast<int>(key.z), sum);
        return __dp4a(q.w, static_cast<int>(key.w), sum);
    }

    // Scores, which stand in the places of the weights, become weights relative to the largest score seen now.
    __device__ void soften(int token, bool exists) {
#pragma unroll 1
        for (int j = 0; j < QUERIES; j++) {
            float x = memory.weights[j][lane];
            if (a.softcap != 0) {
                x = a.softcap * tanhf(x / a.softcap);
            }
            int last = memory.last[j];
            bool seen = exists && token <= last && (a.window == 0 || token > last - a.window);
            x = seen ? x : -INFINITY;
            float before = __shfl_sync(ALL_LANES, most, j);
            float now = fmaxf(before, warp_max(x));
            float weight = expf(x - now);
            memory.weights[j][lane] = weight;
            float sum = warp_sum(weight);
            if (lane == j) {
                factor = expf(before - now);
                total = fmaf(total, factor, sum);
                most = now;
            }
        }
    }

    // Adds the values of the first `tokens` tokens of a tile, by their weights; this lane does neighbouring columns.
    __device__ void add_values(int tokens) {
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            float its = __shfl_sync(ALL_LANES, factor, j);
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) {
                sums[j][c] *= its;
            }
        }
        int column = lane * COLUMNS;
        if (column >= padded<VALUES_AS>(a.value_size)) {
            return;
        }
#pragma unroll 1
        for (int t = 0; t < tokens; t += 4) {
            int4 indices = *reinterpret_cast<const int4 *>(&memory.indices[t]);
            float value[4][COLUMNS];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int index = (&indices.x)[i];
                read_columns<VALUES_AS, COLUMNS>(values.row(index), values.scales_of(index), column, value[i]);
            }
#pragma unroll
            for (int j = 0; j < QUERIES; j++) {
                float4 weights = *reinterpret_cast<const float4 *>(&memory.weights[j][t]);
#pragma unroll
                for (int c = 0; c < COLUMNS; c++) {
                    float sum = fmaf(weights.x, value[0][c], sums[j][c]);
                    sum = fmaf(weights.y, value[1][c], sum);
                    sum = fmaf(weights.z, value[2][c], sum);
                    sums[j][c] = fmaf(weights.w, value[3][c], sum);
                }
            }
        }
    }

    // One tile: the tokens from `token` on, before `end`.
    __device__ void attend(const Run &run, int token, int end) {
        int tokens = min(TILE, end - token);
        // Lanes beyond the end take part with the last token's memory, and no weight.
        int its = token + min(lane, tokens - 1);
        int page = a.page_table[static_cast<size_t>(run.slot) * a.table_width + its / a.page_tokens];
        int index = page * a.stride + its % a.page_tokens;
        float s[QUERIES];
        score(index, s);
        __syncwarp();
        memory.indices[lane] = index;
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            memory.weights[j][lane] = s[j];
        }
        soften(its, lane < tokens);
        __syncwarp();
        add_values(tokens);
    }

    // Leaves what was found in shared memory.
    __device__ void leave() {
        __syncwarp();
        if (lane < QUERIES) {
            memory.most[lane] = most;
            memory.totals[lane] = total;
        }
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) {
                memory.area[j][lane * COLUMNS + c] = sums[j][c];
            }
        }
    }
};
