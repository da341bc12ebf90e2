// Keys and values written to the pages of a cache. Compiled with KEYS and VALUES, its types. Each step of quantization is rounded by
// itself: the integers are the same on all devices.

#include <cuda_fp16.h>

#include "cache.cuh"
#include "names.cuh"
#include "reductions.cuh"
#include "turn.cuh"

constexpr int WRITERS = 128;

// Blocks whose largest magnitude is below this are zero.
constexpr float LEAST_MAGNITUDE = 0x1p-100f;

__device__ float to_bfloat16(float x) {
    unsigned bits = __float_as_uint(x);
    return __uint_as_float((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
}

__device__ float inverse_of_scale(float scale) {
    return scale == 0 ? 0 : __fdiv_rn(1, scale);
}

// x in steps of a scale, at least `least` and at most `most`.
__device__ int steps(float x, float inverse, int least, int most) {
    float half_up = 0.5f - least;
    return min(max(static_cast<int>(__fadd_rn(__fmul_rn(x, inverse), half_up)) + least, least), most);
}

// Writes the blocks of a row, one per warp.
__device__ void write_bytes(const float *x, int blocks, signed char *row, unsigned short *scales) {
    int lane = threadIdx.x % WARP;
#pragma unroll 1
    for (int block = threadIdx.x / WARP; block < blocks; block += WRITERS / WARP) {
        float value = x[block * BLOCK + lane];
        float magnitude = warp_max(fabsf(value));
        float scale = magnitude < LEAST_MAGNITUDE ? 0 : to_bfloat16(__fdiv_rn(magnitude, 127));
        int q = static_cast<int>(__fadd_rn(__fmul_rn(value, inverse_of_scale(scale)), 128.5f)) - 128;
        row[block * BLOCK + lane] = min(max(q, -127), 127);
        if (lane == 0) {
            scales[block] = __float_as_uint(scale) >> 16;
        }
    }
}

// Of the scales that 4 bits can have, that of the least error: the first among equals. Sixteen lanes try one each.
__device__ float best_scale(const float *x, float farthest) {
    int lane = threadIdx.x % 16;
    float span = lane < 10 ? 8 + 0.25f * lane : 4 + 0.25f * lane;
    float scale = to_bfloat16(__fdiv_rn(farthest, -span));
    float inverse = inverse_of_scale(scale);
    float sum = 0;
#pragma unroll 1
    for (int i = 0; i < BLOCK; i++) {
        float error = __fsub_rn(x[i], __fmul_rn(steps(x[i], inverse, -8, 7), scale));
        sum = __fadd_rn(sum, __fmul_rn(error, error));
    }
    for (int step = 8; step > 0; step /= 2) {
        float other_sum = __shfl_xor_sync(ALL_LANES, sum, step);
        float other_scale = __shfl_xor_sync(ALL_LANES, scale, step);
        int other_lane = __shfl_xor_sync(ALL_LANES, lane, step);
        if (other_sum < sum || (other_sum == sum && other_lane < lane)) {
            sum = other_sum;
            scale = other_scale;
            lane = other_lane;
        }
    }
    return scale;
}

// Writes the blocks of a row, one per half of a warp.
__device__ void write_nibbles(const float *x, int blocks, unsigned char *row, unsigned short *scales) {
    int lane = threadIdx.x % 16;
#pragma unroll 1
    for (int first = threadIdx.x / WARP * 2; first < blocks; first += WRITERS / 16) {
        // The second half of the last warp may have no block left; it takes part only.
        int own = first + threadIdx.x / 16 % 2;
        const float *its = x + min(own, blocks - 1) * BLOCK;
        float low = its[lane];
        float high = its[16 + lane];
        float least = fminf(low, high);
        float largest = fmaxf(low, high);
        for (int step = 8; step > 0; step /= 2) {
            least = fminf(least, __shfl_xor_sync(ALL_LANES, least, step));
            largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, step));
        }
        float magnitude = fmaxf(largest, -least);
        float scale = best_scale(its, largest == magnitude ? largest : least);
        scale = magnitude < LEAST_MAGNITUDE ? 0 : scale;
        float inverse = inverse_of_scale(scale);
        int byte = (steps(low, inverse, -8, 7) + 8) | (steps(high, inverse, -8, 7) + 8) << 4;
        if (own < blocks) {
            row[own * (BLOCK / 2) + lane] = byte;
            if (lane == 0) {
                scales[own] = __float_as_uint(scale) >> 16;
            }
        }
    }
}

// Writes the values of a token to its row.
template <Cache TYPE> __device__ void write_row(const float *x, int size, const CacheHead<TYPE> &cache, int index) {
    unsigned char *row = cache.row(index);
    if constexpr (TYPE == Cache::f32) {
#pragma unroll 1
        for (int i = threadIdx.x; i < padded<TYPE>(size); i += WRITERS) {
            reinterpret_cast<float *>(row)[i] = i < size ? x[i] : 0;
        }
    } else if constexpr (TYPE == Cache::f16) {
#pragma unroll 1
        for (int i = 2 * threadIdx.x; i < padded<TYPE>(size); i += 2 * WRITERS) {
            reinterpret_cast<__half2 *>(row)[i / 2] =
                    __floats2half2_rn(i < size ? x[i] : 0, i + 1 < size ? x[i + 1] : 0);
        }
    } else if constexpr (TYPE == Cache::q8_0) {
        write_bytes(x, cache.blocks, reinterpret_cast<signed char *>(row), cache.scales_of(index));
    } else {
        write_nibbles(x, cache.blocks, row, cache.scales_of(index));
    }
}

// Where a token stands in a cache: the sizes of its rows, and its pages.
struct Place {
    const int *page_table;  // (slots, table_width)
    int table_width;
    unsigned char *keys;    // (heads, CacheHead)
    unsigned char *values;  // (heads, CacheHead)
    int key_size;
    int value_size;
    int pages;
    int page_tokens;
    int stride;

    // Writes the key and the value of one head of a token.
    __device__ void write(const float *k, const float *v, int head, int slot, int position) const {
        int page = page_table[static_cast<size_t>(slot) * table_width + position / page_tokens];
        int index = page * stride + position % page_tokens;
        write_row(k, key_size, CacheHead<KEY_TYPE>(keys, head, key_size, pages, stride), index);
        write_row(v, value_size, CacheHead<VALUE_TYPE>(values, head, value_size, pages, stride), index);
    }
};

// One block for each head of a row: blocks of threads (heads, n).
//   live       (1)
//   positions  (n)
//   slots      (n)
//   page_table (slots, table_width)
//   k          (n, heads, key_size)
//   v          (n, heads, value_size)
//   keys, values: those of the cache
extern "C" __global__ void __launch_bounds__(WRITERS) KERNEL(write_kv)(const int *live, const int *positions, const int *slots,
        const int *page_table, int table_width, const float *k, const float *v, int key_size, int value_size,
        unsigned char *keys, unsigned char *values, int pages, int page_tokens, int stride) {
    int head = blockIdx.x;
    int row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    size_t at = static_cast<size_t>(row) * gridDim.x + head;
    Place place = {page_table, table_width, keys, values, key_size, value_size, pages, page_tokens, stride};
    place.write(k + at * key_size, v + at * value_size, head, slots[row], positions[row]);
}

// Norm and rotary embedding of queries and keys, in place, then the keys and values written: one block for each head of a row, those of
// queries first: blocks of threads (query_heads + heads, n).
//   live        (1)
//   positions   (n)
//   slots       (n)
//   page_table  (slots, table_width)
//   q           (n, query_heads, key_size)
//   q_norm      (key_size) or null
//   k           (n, heads, key_size)
//   k_norm      (key_size) or null
//   frequencies (pairs)
//   v           (n, heads, value_size)
//   keys, values: those of the cache
extern "C" __global__ void __launch_bounds__(WRITERS) KERNEL(turn_and_write)(const int *live, const int *positions,
        const int *slots, const int *page_table, int table_width, float *q, const float *q_norm, float *k, const float *k_norm,
        float epsilon, int interleaved, const float *frequencies, int pairs, float magnitude, const float *v, int query_heads,
        int heads, int key_size, int value_size, unsigned char *keys, unsigned char *values, int pages, int page_tokens,
        int stride) {
    __shared__ float shared[WRITERS / WARP];
    int row = blockIdx.y;
    if (row >= *live) {
        return;
    }
    bool query = blockIdx.x < query_heads;
    int head = query ? blockIdx.x : blockIdx.x - query_heads;
    size_t at = static_cast<size_t>(row) * (query ? query_heads : heads) + head;
    float *x = (query ? q : k) + at * key_size;
    const float *norm = query ? q_norm : k_norm;
    if (norm) {
        float squares = 0;
#pragma unroll 1
        for (int i = threadIdx.x; i < key_size; i += WRITERS) {
            squares = fmaf(x[i], x[i], squares);
        }
        float scale = 1 / sqrtf(block_sum(squares, shared) / key_size + epsilon);
#pragma unroll 1
        for (int i = threadIdx.x; i < key_size; i += WRITERS) {
            x[i] = x[i] * scale * norm[i];
        }
        __syncthreads();
    }
    int position = positions[row];
#pragma unroll 1
    for (int pair = threadIdx.x; pair < pairs; pair += WRITERS) {
        turn_heads(x, 1, key_size, pair, pairs, interleaved, position, frequencies, magnitude);
    }
    if (!query) {
        __syncthreads();
        Place place = {page_table, table_width, keys, values, key_size, value_size, pages, page_tokens, stride};
        place.write(x, v + at * value_size, head, slots[row], position);
    }
}
