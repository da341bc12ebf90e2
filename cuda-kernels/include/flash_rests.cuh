// Queries against keys of f16 where many queries share a tile: a query is the sum of a half and of what that leaves, at most 2^-11 of it, for
// whose products keys of eight bits do, which are half the work of halves. Both have about 18 bits then.
//
// Numbers of eight bits stand in another order than halves: 4 c + j of 16 are, for j = 0 and 1, those that lane c of four has of a piece of
// eight halves, 2 c + j, and for j = 2 and 3 the same of the piece that is half a row behind it.
#pragma once

#include "flash_scores.cuh"

// What a half leaves of a number below 2^15 is at most 8.
constexpr float REST_UNITS = 127.0f / 8;

// Numbers of at most 127 beside 1.5 * 2^10: the low bytes of these halves.
__device__ inline unsigned with_low_bytes(unsigned halves, __half2 by) {
    __half2 sum = __hfma2(*reinterpret_cast<__half2 *>(&halves), by, __float2half2_rn(1536));
    return *reinterpret_cast<unsigned *>(&sum);
}

__device__ inline unsigned low_bytes(unsigned first, unsigned second) {
    return __byte_perm(first, second, 0x6420);
}

// A tile of keys, zero beyond their size; behind it the same in eight bits, (TOKENS, BYTE_STRIDE), then the scale of each token's, times that
// of the rests of queries.
template <int SIZE, int TOKENS, int THREADS>
struct KeyTileWithBytes : TokenTile<Cache::f16, SIZE, stride_of(2 * SIZE), TOKENS, THREADS> {
    using Base = TokenTile<Cache::f16, SIZE, stride_of(2 * SIZE), TOKENS, THREADS>;
    static constexpr int PAIRS = SIZE / 16;  // of pieces of 16 bytes in a row
    static constexpr int LANES = PAIRS > 8 ? 16 : PAIRS > 4 ? 8 : 4;  // that share a row
    static constexpr int EACH = TOKENS * LANES / THREADS;
    static constexpr int BYTE_STRIDE = stride_of(SIZE);
    static constexpr int BYTES = Base::BYTES + TOKENS * (BYTE_STRIDE + 4);
    static_assert(TOKENS * LANES % THREADS == 0, "a thread has as many pairs of pieces as another");

    __device__ KeyTileWithBytes(unsigned char *memory, const Attention &a, int kv_head)
        : Base{memory, {a.keys, kv_head, a.key_size, a.pages, a.stride}} {}

    __device__ unsigned char *bytes_at() const {
        return this->memory + Base::BYTES;
    }

    __device__ float *units_at() const {
        return reinterpret_cast<float *>(bytes_at() + TOKENS * BYTE_STRIDE);
    }

    __device__ void begin(const int *indices, int rank) const {
        unsigned to = shared_address(this->memory);
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int token = (rank + i * THREADS) / LANES;
            int pair = (rank + i * THREADS) % LANES;
            if (LANES == PAIRS || pair < PAIRS) {
                const unsigned char *row = this->head.row(indices[token]);
#pragma unroll
                for (int byte = pair * 16; byte < 2 * SIZE; byte += SIZE) {
                    bool is = byte < this->head.bytes;
                    begin_copy(to + token * Base::STRIDE + byte, row + (is ? byte : 0), is ? 16 : 0);
                }
            }
        }
    }

    // A thread makes bytes of what it copied.
    __device__ void end(int rank) const {
        end_copies();
#pragma unroll 1
        for (int i = 0; i < EACH; i++) {
            int token = (rank + i * THREADS) / LANES;
            int pair = (rank + i * THREADS) % LANES;
            bool is = LANES == PAIRS || pair < PAIRS;
            const unsigned char *row = this->memory + token * Base::STRIDE + pair * 16;
            uint4 zero = make_uint4(0, 0, 0, 0);
            uint4 first = is ? *reinterpret_cast<const uint4 *>(row) : zero;
            uint4 second = is ? *reinterpret_cast<const uint4 *>(row + SIZE) : zero;
            float factor = 127 * inverse(of_row(largest_of(first, second)));
            // Of keys near nothing, the factor is beyond the range of halves.
            float up = factor > 32768 ? 32768 : 1;
            __half rest = __float2half_rn(factor / up);
            if (is) {
                *reinterpret_cast<uint4 *>(bytes_at() + token * BYTE_STRIDE + pair * 16) =
                        bytes_of(first, second, __float2half2_rn(up), __half2half2(rest));
            }
            if (pair == 0) {
                units_at()[token] = inverse(__half2float(rest) * up * REST_UNITS);
            }
        }
    }

    static __device__ float inverse(float x) {
        float y;
        asm("rcp.approx.ftz.f32 %0,%1;" : "=f"(y) : "f"(x));
        return y;
    }

    static __device__ float largest_of(const uint4 &first, const uint4 &second) {
        const __half2 *a = reinterpret_cast<const __half2 *>(&first);
        const __half2 *b = reinterpret_cast<const __half2 *>(&second);
        __half2 most = __hmax2(__habs2(a[0]), __habs2(b[0]));
        for (int i = 1; i < 4; i++) {
            most = __hmax2(most, __hmax2(__habs2(a[i]), __habs2(b[i])));
        }
        float2 two = __half22float2(most);
        return fmaxf(two.x, two.y);
    }

    // The largest of a row, at least the least that halves can be.
    static __device__ float of_row(float most) {
#pragma unroll
        for (int step = 1; step < LANES; step *= 2) {
            most = fmaxf(most, __shfl_xor_sync(ALL_LANES, most, step));
        }
        return fmaxf(most, 0x1p-24f);
    }

    static __device__ uint4 bytes_of(const uint4 &first, const uint4 &second, __half2 up, __half2 rest) {
        const __half2 *a = reinterpret_cast<const __half2 *>(&first);
        const __half2 *b = reinterpret_cast<const __half2 *>(&second);
        unsigned words[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            __half2 one = __hmul2(a[i], up);
            __half2 other = __hmul2(b[i], up);
            words[i] = low_bytes(with_low_bytes(*reinterpret_cast<unsigned *>(&one), rest),
                    with_low_bytes(*reinterpret_cast<unsigned *>(&other), rest));
        }
        return make_uint4(words[0], words[1], words[2], words[3]);
    }
};

// Queries as halves, and their rests in eight bits. Larger ones than fit in registers are in shared memory.
template <int SIZE> struct QueriesWithRests {
    static constexpr int STEPS = SIZE / 16;
    static constexpr bool IN_REGISTERS = SIZE <= 128;
    static constexpr int STRIDE = stride_of(3 * SIZE);
    static constexpr int BYTES = IN_REGISTERS ? 0 : 16 * STRIDE;  // of shared memory

    unsigned large[IN_REGISTERS ? STEPS : 1][4];
    unsigned rests[IN_REGISTERS ? STEPS / 2 : 1][4];
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
        __half2 rest_units = __float2half2_rn(REST_UNITS);
#pragma unroll(IN_REGISTERS ? STEPS / 2 : 1)
        for (int step = 0; step < STEPS / 2; step++) {
            unsigned one[4];
            unsigned other[4];
            unsigned rest[4];
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int at = step * 16 + i / 2 * 8;
                unsigned small[2];
                float2 two = q[i % 2].two(at);
                split(HalfPairs(), two.x * up[i % 2], two.y * up[i % 2], one[i], small[0]);
                two = q[i % 2].two(at + SIZE / 2);
                split(HalfPairs(), two.x * up[i % 2], two.y * up[i % 2], other[i], small[1]);
                rest[i] = low_bytes(with_low_bytes(small[0], rest_units), with_low_bytes(small[1], rest_units));
            }
            keep(large[IN_REGISTERS ? step : 0], one, step * 32, memory, stores);
            keep(large[IN_REGISTERS ? step + STEPS / 2 : 0], other, step * 32 + SIZE, memory, stores);
            keep(rests[IN_REGISTERS ? step : 0], rest, step * 32 + 2 * SIZE, memory, stores);
        }
    }

    static __device__ void keep(unsigned (&to)[4], const unsigned (&from)[4], int place, unsigned char *memory, bool stores) {
        int lane = threadIdx.x % WARP;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            if constexpr (IN_REGISTERS) {
                to[i] = from[i];
            } else if (stores) {
                reinterpret_cast<unsigned *>(memory + (lane / 4 + i % 2 * 8) * STRIDE + place + i / 2 * 16)[lane % 4] = from[i];
            }
        }
    }

    __device__ void take(const unsigned (&kept)[4], int place, unsigned (&out)[4]) const {
        if constexpr (IN_REGISTERS) {
            for (int i = 0; i < 4; i++) {
                out[i] = kept[i];
            }
        } else {
            load_matrices(address + place, out);
        }
    }

    // s: 16 queries, 8 tokens each.
    template <class Tile, int TILES> __device__ void score(const Tile &keys, float (&s)[TILES][4]) const {
        score_rests(keys, s);
        unsigned at = matrices_by_rows(keys.memory, Tile::STRIDE);
#pragma unroll(IN_REGISTERS ? STEPS : 2)
        for (int step = 0; step < STEPS; step++) {
            unsigned q[4];
            take(large[IN_REGISTERS ? step : 0], step * 32, q);
#pragma unroll
            for (int tile = 0; tile < TILES; tile += 2) {
                unsigned key[4];
                load_matrices(at + tile * 8 * Tile::STRIDE + step * 32, key);
                multiply(HalfPairs(), s[tile], q, key[0], key[1]);
                multiply(HalfPairs(), s[tile + 1], q, key[2], key[3]);
            }
        }
    }

    // Integers are counted from the bits of a float of 1.5 * 2^23, whose low bits they are then.
    template <class Tile, int TILES> __device__ void score_rests(const Tile &keys, float (&s)[TILES][4]) const {
        unsigned at = matrices_by_rows(keys.bytes_at(), Tile::BYTE_STRIDE);
        const float *units_of_tokens = keys.units_at() + threadIdx.x % 4 * 2;
        int sums[TILES][4];
        for (int i = 0; i < 4 * TILES; i++) {
            sums[i / 4][i % 4] = 0x4b400000;
        }
#pragma unroll(IN_REGISTERS ? STEPS / 2 : 2)
        for (int step = 0; step < STEPS / 2; step++) {
            unsigned q[4];
            take(rests[IN_REGISTERS ? step : 0], step * 32 + 2 * SIZE, q);
#pragma unroll
            for (int tile = 0; tile < TILES; tile += 2) {
                unsigned key[4];
                load_matrices(at + tile * 8 * Tile::BYTE_STRIDE + step * 32, key);
                multiply(sums[tile], q, key[0], key[1]);
                multiply(sums[tile + 1], q, key[2], key[3]);
            }
        }
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
            float2 two = *reinterpret_cast<const float2 *>(units_of_tokens + tile * 8);
            for (int i = 0; i < 4; i++) {
                s[tile][i] = (__int_as_float(sums[tile][i]) - 12582912.0f) * (i % 2 ? two.y : two.x);
            }
        }
    }
};

// What there is of keys and queries; `SHARED`: by many queries, each tile of keys.
template <Cache KEYS_AS, int SIZE, bool SHARED> struct QueriesOf {
    using Type = QuantizedQueries<KEYS_AS, SIZE>;
    template <int TOKENS, int THREADS> using Keys = KeyTile<KEYS_AS, SIZE, TOKENS, THREADS>;
};
template <int SIZE> struct QueriesOf<Cache::f16, SIZE, false> {
    using Type = Queries<SIZE>;
    template <int TOKENS, int THREADS> using Keys = KeyTile<Cache::f16, SIZE, TOKENS, THREADS>;
};
template <int SIZE> struct QueriesOf<Cache::f16, SIZE, true> {
    using Type = QueriesWithRests<SIZE>;
    template <int TOKENS, int THREADS> using Keys = KeyTileWithBytes<SIZE, TOKENS, THREADS>;
};
