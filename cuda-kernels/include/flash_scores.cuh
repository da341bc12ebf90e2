// Products of queries with the keys of a tile, on tensor cores: 16 queries of a warp, which a lane has two of, rows lane / 4 and that plus 8
// of a matrix.
#pragma once

#include "flash_tiles.cuh"

constexpr float LOG2E = 1.44269504f;

// A query that this lane reads: beyond its size it is zero.
struct QueryRow {
    const float *values;
    int size;

    // Its places are counted from `by` on.
    __device__ void move(int by) {
        values += by;
    }

    __device__ float2 two(int at) const {
        return at < size ? *reinterpret_cast<const float2 *>(values + at) : make_float2(0, 0);
    }

    __device__ float4 four(int at) const {
        return at < size ? *reinterpret_cast<const float4 *>(values + at) : make_float4(0, 0, 0, 0);
    }
};

__device__ inline float quad_max(float x) {
    x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 1));
    return fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 2));
}

__device__ inline float quad_sum(float x) {
    x += __shfl_xor_sync(ALL_LANES, x, 1);
    return x + __shfl_xor_sync(ALL_LANES, x, 2);
}

// The address of this lane for four matrices of a tile: of eight rows each, the first 16 bytes, the next, then of the next eight rows.
__device__ inline unsigned matrices_by_rows(const unsigned char *tile, int stride) {
    int lane = threadIdx.x % WARP;
    return shared_address(tile) + (lane / 16 * 8 + lane % 8) * stride + lane / 8 % 2 * 16;
}

// The same, but the next eight rows, then the next 16 bytes of both.
__device__ inline unsigned matrices_by_columns(const unsigned char *tile, int stride) {
    int lane = threadIdx.x % WARP;
    return shared_address(tile) + lane % 16 * stride + lane / 16 * 16;
}

// The power of two, with the sign of the scale, that brings the largest of a query, of which four lanes read two of eight values each, near
// the end of the range of halves; and what a product is to be multiplied by then to be a score, times log2(e).
template <class Row> __device__ inline float factor_of_halves(const Row &q, int size, float scale, float &unit) {
    float most = 0;
#pragma unroll 1
    for (int at = 0; at < size; at += 8) {
        float2 two = q.two(at);
        most = fmaxf(most, fmaxf(fabsf(two.x), fabsf(two.y)));
    }
    // The largest one becomes at least 2^14, and less than 2^15.
    unsigned exponent = min(max(__float_as_uint(quad_max(most)) >> 23, 15u), 254u);
    unit = fmaxf(__uint_as_float((exponent - 14) << 23) * fabsf(scale) * LOG2E, 1e-37f);
    return copysignf(__uint_as_float((268 - exponent) << 23), scale);
}

// Queries as tensor cores take them, against keys of f16: each a sum of two halves, times a power of two that brings the largest of a query
// near the end of their range. Larger ones than fit in registers are in shared memory.
template <int SIZE> struct Queries {
    static constexpr int STEPS = SIZE / 16;
    static constexpr bool IN_REGISTERS = SIZE <= 128;
    static constexpr int STRIDE = stride_of(4 * SIZE);
    static constexpr int BYTES = IN_REGISTERS ? 0 : 16 * STRIDE;  // of shared memory

    unsigned large[IN_REGISTERS ? STEPS : 1][4];
    unsigned small[IN_REGISTERS ? STEPS : 1][4];
    float units[2];  // what a product is to be multiplied by to be a score, times log2(e)
    unsigned address;

    // Shared memory is written if `stores`.
    __device__ void load(QueryRow (&q)[2], float scale, unsigned char *memory, bool stores) {
        float up[2];
        for (int i = 0; i < 2; i++) {
            q[i].move(threadIdx.x % 4 * 2);
            up[i] = factor_of_halves(q[i], q[i].size, scale, units[i]);
        }
        address = matrices_by_columns(memory, STRIDE);
#pragma unroll(IN_REGISTERS ? STEPS : 1)
        for (int step = 0; step < STEPS; step++) {
            unsigned one[4];
            unsigned other[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                float2 two = q[i % 2].two(step * 16 + i / 2 * 8);
                split(HalfPairs(), two.x * up[i % 2], two.y * up[i % 2], one[i], other[i]);
            }
            keep(step, one, other, memory, stores);
        }
    }

    __device__ void keep(int step, const unsigned (&one)[4], const unsigned (&other)[4], unsigned char *memory, bool stores) {
        int lane = threadIdx.x % WARP;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            if constexpr (IN_REGISTERS) {
                large[step][i] = one[i];
                small[step][i] = other[i];
            } else if (stores) {
                unsigned *to = reinterpret_cast<unsigned *>(memory + (lane / 4 + i % 2 * 8) * STRIDE + step * 32 + i / 2 * 16) + lane % 4;
                to[0] = one[i];
                to[2 * SIZE / 4] = other[i];
            }
        }
    }

    // s: 16 queries, 8 tokens each.
    template <class Tile, int TILES> __device__ void score(const Tile &keys, float (&s)[TILES][4]) const {
        unsigned at = matrices_by_rows(keys.memory, Tile::STRIDE);
#pragma unroll(IN_REGISTERS ? STEPS : 2)
        for (int step = 0; step < STEPS; step++) {
            unsigned one[4];
            unsigned other[4];
            if constexpr (IN_REGISTERS) {
                for (int i = 0; i < 4; i++) {
                    one[i] = large[step][i];
                    other[i] = small[step][i];
                }
            } else {
                load_matrices(address + step * 32, one);
                load_matrices(address + step * 32 + 2 * SIZE, other);
            }
            // Products of which one adds to the sum of another stand apart.
            constexpr int GROUP = TILES % 4 == 0 ? 4 : 2;
#pragma unroll
            for (int tile = 0; tile < TILES; tile += GROUP) {
                unsigned key[GROUP / 2][4];
                for (int i = 0; i < GROUP; i += 2) {
                    load_matrices(at + (tile + i) * 8 * Tile::STRIDE + step * 32, key[i / 2]);
                }
                for (int i = 0; i < 2 * GROUP; i++) {
                    int of = i % GROUP;
                    multiply(HalfPairs(), s[tile + of], i < GROUP ? one : other, key[of / 2][of % 2 * 2], key[of / 2][of % 2 * 2 + 1]);
                }
            }
        }
    }
};

// Against quantized keys, quantized ones: the products of blocks are exact integers.
template <Cache KEYS_AS, int SIZE, bool IN_REGISTERS = SIZE <= 128> struct QuantizedQueries {
    static constexpr int BLOCKS = SIZE / BLOCK;
    static constexpr int STRIDE = stride_of(SIZE);
    static constexpr int BYTES = IN_REGISTERS ? 0 : 16 * (STRIDE + BLOCKS * 4);  // of shared memory, with scales behind values

    unsigned values[IN_REGISTERS ? BLOCKS : 1][4];
    float scales[IN_REGISTERS ? BLOCKS : 1][2];
    float units[2];
    const unsigned char *memory;

    // Shared memory is written if `stores`.
    template <class Row> __device__ void load(Row (&q)[2], float scale_of_scores, unsigned char *to, bool stores) {
        memory = to;
        q[0].move(threadIdx.x % 4 * 4);
        q[1].move(threadIdx.x % 4 * 4);
        // Nibbles stand in the upper halves of bytes.
        float unit = KEYS_AS == Cache::q4_0 ? scale_of_scores / 16 : scale_of_scores;
#pragma unroll(IN_REGISTERS ? BLOCKS : 1)
        for (int block = 0; block < BLOCKS; block++) {
#pragma unroll
            for (int i = 0; i < 2; i++) {
                float4 low = q[i].four(block * BLOCK);
                float4 high = q[i].four(block * BLOCK + 16);
                float most = quad_max(fmaxf(largest_of(low), largest_of(high)));
                float inverse = inverse_of(most);
                float scale = __fdiv_rn(most, 127) * unit;
                if constexpr (IN_REGISTERS) {
                    values[block][i] = bytes_of(low, inverse);
                    values[block][2 + i] = bytes_of(high, inverse);
                    scales[block][i] = scale;
                } else if (stores) {
                    int lane = threadIdx.x % WARP;
                    int row = lane / 4 + 8 * i;
                    unsigned *words = reinterpret_cast<unsigned *>(to + row * STRIDE + block * BLOCK) + lane % 4;
                    words[0] = bytes_of(low, inverse);
                    words[4] = bytes_of(high, inverse);
                    if (lane % 4 == 0) {
                        reinterpret_cast<float *>(to + 16 * STRIDE)[row * BLOCKS + block] = scale;
                    }
                }
            }
        }
        units[0] = LOG2E;
        units[1] = LOG2E;
    }

    static __device__ float largest_of(float4 x) {
        return fmaxf(fmaxf(fabsf(x.x), fabsf(x.y)), fmaxf(fabsf(x.z), fabsf(x.w)));
    }

    static __device__ unsigned bytes_of(float4 x, float inverse) {
        char4 bytes = make_char4(quantized(x.x, inverse), quantized(x.y, inverse), quantized(x.z, inverse), quantized(x.w, inverse));
        return *reinterpret_cast<unsigned *>(&bytes);
    }

    // Of a block, the integers and scales.
    __device__ void take(int block, unsigned (&q)[4], float (&by)[2]) const {
        if constexpr (IN_REGISTERS) {
            for (int i = 0; i < 4; i++) {
                q[i] = values[block][i];
                by[i / 2] = scales[block][i / 2];
            }
        } else {
            load_matrices(matrices_by_columns(memory, STRIDE) + block * BLOCK, q);
            const float *its = reinterpret_cast<const float *>(memory + 16 * STRIDE) + threadIdx.x % WARP / 4 * BLOCKS + block;
            by[0] = its[0];
            by[1] = its[8 * BLOCKS];
        }
    }

    template <class Tile, int TILES> __device__ void score(const Tile &keys, float (&s)[TILES][4]) const {
        constexpr int BLOCKS_OF_STEP = KEYS_AS == Cache::q8_0 ? 1 : 2;
        unsigned at = matrices_by_rows(keys.memory, Tile::STRIDE);
        const float *key_scales = keys.scales_at() + threadIdx.x % 4 * 2;
#pragma unroll(IN_REGISTERS ? BLOCKS : 1)
        for (int block = 0; block < BLOCKS; block += BLOCKS_OF_STEP) {
            unsigned q[BLOCKS_OF_STEP][4];
            float by[BLOCKS_OF_STEP][2];
            for (int i = 0; i < BLOCKS_OF_STEP && block + i < BLOCKS; i++) {
                take(block + i, q[i], by[i]);
            }
#pragma unroll
            for (int tile = 0; tile < TILES; tile += 2) {
                unsigned key[4];
                load_matrices(at + tile * 8 * Tile::STRIDE + block / BLOCKS_OF_STEP * 32, key);
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    int its = KEYS_AS == Cache::q8_0 ? block : block + i % 2;
                    int of = tile + i / 2;
                    if (KEYS_AS == Cache::q8_0 && i % 2 == 0) {
                        add(q[0], by[0], key[i], key[i + 1], key_scales + its * Tile::TOKENS + of * 8, s[of]);
                    } else if (KEYS_AS == Cache::q4_0 && its < BLOCKS) {
                        add(q[i % 2], by[i % 2], (key[i] << 4 & 0xf0f0f0f0) ^ 0x80808080, (key[i] & 0xf0f0f0f0) ^ 0x80808080,
                                key_scales + its * Tile::TOKENS + of * 8, s[of]);
                    }
                }
            }
        }
    }

    // Adds a block's products with 8 tokens. Integers are counted from the bits of a float of 1.5 * 2^23, whose low bits they are then.
    static __device__ void add(
            const unsigned (&q)[4], const float (&by)[2], unsigned low, unsigned high, const float *key_scales, float (&s)[4]) {
        int sums[4];
        for (int i = 0; i < 4; i++) {
            sums[i] = 0x4b400000;
        }
        multiply(sums, q, low, high);
        float2 two = *reinterpret_cast<const float2 *>(key_scales);
        for (int i = 0; i < 4; i++) {
            float sum = __int_as_float(sums[i]) - 12582912.0f;
            s[i] = fmaf(sum, by[i / 2] * (i % 2 ? two.y : two.x), s[i]);
        }
    }
};
