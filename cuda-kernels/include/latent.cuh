// Attention of some query heads of a row to latent vectors, with streaming softmax, on any device.
#pragma once

#include "activations.cuh"
#include "cache_reads.cuh"

constexpr int LATENT_THREADS = 128;
constexpr int LATENT_HEADS = 8;
constexpr int LATENT_TOKENS = 16;
constexpr int MOST_RANK = 512;

// The arguments of the kernels in latent.cu.
struct Latent {
    const int *positions;
    const int *slots;
    const int *page_table;
    int table_width;
    const float *q;
    const float *turned;
    unsigned char *keys;
    unsigned char *values;
    int pages;
    int page_tokens;
    int stride;
    int turned_size;
    int rank;
    int heads;
    float scale;
    float *out;
    float *partials;
};

// Value i of a row; of quantized types its integer.
template <Cache TYPE> __device__ inline float number_of(const unsigned char *row, int i) {
    if constexpr (TYPE == Cache::f32) {
        return reinterpret_cast<const float *>(row)[i];
    } else if constexpr (TYPE == Cache::f16) {
        return __half2float(reinterpret_cast<const __half *>(row)[i]);
    } else if constexpr (TYPE == Cache::q8_0) {
        return reinterpret_cast<const signed char *>(row)[i];
    } else {
        return (row[i / BLOCK * 16 + i % 16] >> (i % BLOCK / 16 * 4) & 15) - 8;
    }
}

template <Cache TYPE> struct LatentBlock {
    static constexpr int COLUMNS = MOST_RANK / LATENT_THREADS;
    using Weights = float[LATENT_HEADS][LATENT_TOKENS];

    Latent a;
    int size;    // of a key: latent vector, then the rest
    int apart;   // floats between rows in shared memory
    int blocks;  // of a key
    int lane;
    int warp;
    int row;
    int head;  // the first

    float *queries;       // (heads, apart), integers where the cache has them
    float *query_scales;  // (heads, blocks), of quantized ones
    float *tile;          // (tokens, apart)
    float *tile_scales;   // (tokens, blocks); behind them weights (heads, tokens) and factors (heads)

    __device__ explicit LatentBlock(const Latent &a)
        : a(a),
          size(a.rank + a.turned_size),
          apart(size | 1),
          blocks((size + BLOCK - 1) / BLOCK),
          lane(threadIdx.x % WARP),
          warp(threadIdx.x / WARP),
          row(blockIdx.z),
          head(blockIdx.y * LATENT_HEADS) {
        extern __shared__ float memory[];
        queries = memory;
        query_scales = queries + LATENT_HEADS * apart;
        tile = query_scales + LATENT_HEADS * blocks;
        tile_scales = tile + LATENT_TOKENS * apart;
    }

    // A warp brings every fourth query to shared memory; those that are none are zero.
    __device__ void load_queries() const {
#pragma unroll 1
        for (int j = warp; j < LATENT_HEADS; j += LATENT_THREADS / WARP) {
            bool is = head + j < a.heads;
            size_t place = static_cast<size_t>(row) * a.heads + (is ? head + j : 0);
            const float *first = a.q + place * a.rank;
            const float *second = a.turned + place * a.turned_size - a.rank;
#pragma unroll 1
            for (int i = lane; i < (size + WARP - 1) / WARP * WARP; i += WARP) {
                float x = is && i < size ? (i < a.rank ? first : second)[i] : 0;
                if constexpr (quantizes(TYPE)) {
                    float amax = warp_max(fabsf(x));
                    x = quantized(x, inverse_of(amax));
                    if (lane == 0) {
                        query_scales[j * blocks + i / BLOCK] = __fdiv_rn(amax, 127);
                    }
                }
                if (i < size) {
                    queries[j * apart + i] = x;
                }
            }
        }
    }

    // A warp brings every fourth token of a tile to shared memory, from `token` on, before `end`.
    __device__ void load_tile(const CacheHead<TYPE> &keys, const CacheHead<TYPE> &values, int token, int end) const {
#pragma unroll 1
        for (int t = warp; t < LATENT_TOKENS; t += LATENT_THREADS / WARP) {
            int its = min(token + t, end - 1);
            int page = a.page_table[static_cast<size_t>(a.slots[row]) * a.table_width + its / a.page_tokens];
            int index = page * a.stride + its % a.page_tokens;
#pragma unroll 1
            for (int i = lane; i < size; i += WARP) {
                tile[t * apart + i] = i < a.rank ? number_of<TYPE>(values.row(index), i) : number_of<TYPE>(keys.row(index), i - a.rank);
            }
            if constexpr (quantizes(TYPE)) {
                if (lane < blocks) {
                    tile_scales[t * blocks + lane] =
                            scale_of(lane < values.blocks ? values.scales_of(index)[lane] : keys.scales_of(index)[lane - values.blocks]);
                }
            }
        }
    }

    // The score of a query and a token.
    __device__ float score(int j, int t) const {
        const float *q = queries + j * apart;
        const float *key = tile + t * apart;
        float sum = 0;
        if constexpr (quantizes(TYPE)) {
#pragma unroll 1
            for (int block = 0; block < blocks; block++) {
                // Sums of integers below 2^24 are exact.
                float integers = 0;
                for (int i = 0; i < BLOCK; i++) {
                    integers = fmaf(q[block * BLOCK + i], key[block * BLOCK + i], integers);
                }
                sum = fmaf(integers * query_scales[j * blocks + block], tile_scales[t * blocks + block], sum);
            }
        } else {
#pragma unroll 4
            for (int i = 0; i < size; i++) {
                sum = fmaf(q[i], key[i], sum);
            }
        }
        return sum * a.scale;
    }

    // Thread 16 j + t has query j and token t; the 16 threads of a query all know its largest score and its total.
    __device__ void attend() {
        Weights &weights = *reinterpret_cast<Weights *>(tile_scales + LATENT_TOKENS * blocks);
        float(&factors)[LATENT_HEADS] = *reinterpret_cast<float(*)[LATENT_HEADS]>(&weights + 1);
        int j = threadIdx.x / LATENT_TOKENS;
        int t = threadIdx.x % LATENT_TOKENS;
        CacheHead<TYPE> keys(a.keys, 0, a.turned_size, a.pages, a.stride);
        CacheHead<TYPE> values(a.values, 0, a.rank, a.pages, a.stride);
        float most = -1e30f;
        float total = 0;
        float sums[LATENT_HEADS][COLUMNS] = {};
        load_queries();
        int tokens = a.positions[row] + 1;
        int tiles = (tokens + LATENT_TOKENS - 1) / LATENT_TOKENS;
        int per_split = (tiles + gridDim.x - 1) / gridDim.x;
        int end = min(tokens, (static_cast<int>(blockIdx.x) + 1) * per_split * LATENT_TOKENS);
#pragma unroll 1
        for (int token = blockIdx.x * per_split * LATENT_TOKENS; token < end; token += LATENT_TOKENS) {
            __syncthreads();
            load_tile(keys, values, token, end);
            __syncthreads();
            float x = token + t < end ? score(j, t) : -INFINITY;
            float now = fmaxf(most, of_query(x, fmaxf));
            weights[j][t] = expf(x - now);
            float factor = expf(most - now);
            total = fmaf(total, factor, of_query(weights[j][t], add));
            most = now;
            factors[j] = factor;
            __syncthreads();
            add_values(weights, factors, sums);
        }
        leave(j, most, total, factors, sums);
    }

    static __device__ float add(float x, float y) {
        return x + y;
    }

    // Over the threads of a query.
    template <class Join> static __device__ float of_query(float x, Join join) {
        for (int step = LATENT_TOKENS / 2; step > 0; step /= 2) {
            x = join(x, __shfl_xor_sync(ALL_LANES, x, step));
        }
        return x;
    }

    __device__ void add_values(const Weights &weights, const float (&factors)[LATENT_HEADS],
            float (&sums)[LATENT_HEADS][COLUMNS]) const {
#pragma unroll
        for (int j = 0; j < LATENT_HEADS; j++) {
            for (int c = 0; c < COLUMNS; c++) {
                sums[j][c] *= factors[j];
            }
        }
#pragma unroll 1
        for (int t = 0; t < LATENT_TOKENS; t++) {
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) {
                int column = threadIdx.x + c * LATENT_THREADS;
                if (column >= a.rank) {
                    break;
                }
                float value = tile[t * apart + column];
                if constexpr (quantizes(TYPE)) {
                    value *= tile_scales[t * blocks + column / BLOCK];
                }
                for (int j = 0; j < LATENT_HEADS; j++) {
                    sums[j][c] = fmaf(weights[j][t], value, sums[j][c]);
                }
            }
        }
    }

    // Writes what was found.
    __device__ void leave(int j, float most, float total, float (&factors)[LATENT_HEADS], const float (&sums)[LATENT_HEADS][COLUMNS]) const {
        int splits = gridDim.x;
        size_t place = static_cast<size_t>(row) * a.heads + head;
        __syncthreads();
        if (threadIdx.x % LATENT_TOKENS == 0) {
            factors[j] = splits == 1 ? 1 / total : 1;
            if (splits > 1 && head + j < a.heads) {
                float *target = a.partials + ((place + j) * splits + blockIdx.x) * (a.rank + 2) + a.rank;
                target[0] = most;
                target[1] = total;
            }
        }
        __syncthreads();
#pragma unroll
        for (int i = 0; i < LATENT_HEADS; i++) {
            if (head + i >= a.heads) {
                break;
            }
            float *target = splits == 1 ? a.out + (place + i) * a.rank
                                        : a.partials + ((place + i) * splits + blockIdx.x) * (a.rank + 2);
#pragma unroll
            for (int c = 0; c < COLUMNS; c++) {
                int column = threadIdx.x + c * LATENT_THREADS;
                if (column < a.rank) {
                    target[column] = sums[i][c] * factors[i];
                }
            }
        }
    }
};
