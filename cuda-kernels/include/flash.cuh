// Attention of 16 queries of a warp to tiles of tokens on tensor cores, with streaming softmax (Dao, 2023): scores and weights never leave
// registers.
#pragma once

#include "flash_rests.cuh"

// What a lane's two queries see: tokens above `low`, up to `last`; of a run of rows, others see none.
struct Seen {
    int last[2];
    int low[2];
    // The same of all queries of the warp that see some.
    int least;
    int greatest;

    // -1: the query is none of the run.
    __device__ void set(const int (&positions)[2], int window) {
        least = INT_MAX;
        greatest = -1;
        for (int i = 0; i < 2; i++) {
            last[i] = positions[i];
            low[i] = window == 0 ? -1 : positions[i] - window;
            least = min(least, positions[i] < 0 ? INT_MAX : positions[i]);
            greatest = max(greatest, positions[i]);
        }
        least = __reduce_min_sync(ALL_LANES, least);
        greatest = __reduce_max_sync(ALL_LANES, greatest);
    }

    // Whether any query sees one of the tokens from `first` on, before `end`.
    __device__ bool any(int first, int end, int window) const {
        return first <= greatest && (window == 0 || end - 1 > least - window);
    }

    __device__ bool all(int first, int end, int window) const {
        return end - 1 <= least && (window == 0 || first > greatest - window);
    }
};

// 16 queries of a warp and what they found so far. `SHARED`: other warps have the same tiles of tokens.
template <Cache KEYS_AS, Cache VALUES_AS, int KEY_LIMIT, int VALUE_LIMIT, int TOKENS, bool SHARED> struct FlashWarp {
    static constexpr int TILES = TOKENS / 8;
    static constexpr int COLUMN_TILES = VALUE_LIMIT / 8;

    // Weights are relative to 2^-BIAS of the largest one, so that their smaller halves are seldom below what halves can be.
    static constexpr float BIAS = VALUES_AS == Cache::f16 ? 14 : 0;

    typename QueriesOf<KEYS_AS, KEY_LIMIT, SHARED>::Type queries;
    Seen seen;
    float most[2];    // the largest score so far, times log2(e)
    float totals[2];  // sums of weights, of this lane's tokens
    float sums[COLUMN_TILES][4];

    __device__ void reset() {
        for (int i = 0; i < 2; i++) {
            most[i] = LEAST;
            totals[i] = 0;
        }
#pragma unroll
        for (int tile = 0; tile < COLUMN_TILES; tile++) {
            for (int i = 0; i < 4; i++) {
                sums[tile][i] = 0;
            }
        }
    }

    // Scores of a tile of tokens from `first` on become weights; the sums so far become relative to the same score.
    __device__ void soften(const Attention &a, int first, float (&s)[TILES][4]) {
        float units[2] = {queries.units[0], queries.units[1]};
        if (a.softcap != 0) {
            cap(a.softcap, s);
            units[0] = 1;
            units[1] = 1;
        }
        if (!seen.all(first, first + TOKENS, a.window)) {
            hide(first, s);
        }
        float factors[2];
        for (int i = 0; i < 2; i++) {
            float now = s[0][2 * i];
#pragma unroll
            for (int tile = 0; tile < TILES; tile++) {
                now = fmaxf(now, fmaxf(s[tile][2 * i], s[tile][2 * i + 1]));
            }
            now = fmaxf(most[i], quad_max(now) * units[i]);
            factors[i] = exp2_of(most[i] - now);
            most[i] = now;
            float total = totals[i] * factors[i];
#pragma unroll
            for (int tile = 0; tile < TILES; tile++) {
                for (int j = 2 * i; j < 2 * i + 2; j++) {
                    s[tile][j] = exp2_of(fmaf(s[tile][j], units[i], BIAS - now));
                    total += s[tile][j];
                }
            }
            totals[i] = total;
        }
        if (__any_sync(ALL_LANES, factors[0] != 1 || factors[1] != 1)) {
#pragma unroll
            for (int tile = 0; tile < COLUMN_TILES; tile++) {
                for (int i = 0; i < 4; i++) {
                    sums[tile][i] *= factors[i / 2];
                }
            }
        }
    }

    static __device__ float exp2_of(float x) {
        float y;
        asm("ex2.approx.ftz.f32 %0,%1;" : "=f"(y) : "f"(x));
        return y;
    }

    static __device__ float inverse(float x) {
        float y;
        asm("rcp.approx.ftz.f32 %0,%1;" : "=f"(y) : "f"(x));
        return y;
    }

    // softcap * tanh(score / softcap) * log2(e); tanh(y) is 1 - 2 / (exp(2 y) + 1).
    __device__ void cap(float softcap, float (&s)[TILES][4]) const {
        float most_of_all = softcap * LOG2E;
        for (int i = 0; i < 4; i++) {
            float unit = 2 * queries.units[i / 2] / softcap;
#pragma unroll
            for (int tile = 0; tile < TILES; tile++) {
                s[tile][i] = fmaf(-2 * most_of_all, inverse(exp2_of(s[tile][i] * unit) + 1), most_of_all);
            }
        }
    }

    // Tokens that a query does not see get no weight.
    __device__ void hide(int first, float (&s)[TILES][4]) const {
        int token = first + threadIdx.x % 4 * 2;
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
            for (int i = 0; i < 4; i++) {
                int its = token + tile * 8 + i % 2;
                s[tile][i] = its <= seen.last[i / 2] && its > seen.low[i / 2] ? s[tile][i] : -INFINITY;
            }
        }
    }

    // Adds the values of a tile by their weights.
    template <class Tile> __device__ void add_values(const Tile &values, const float (&weights)[TILES][4]) {
        unsigned at = matrices_by_columns(values.memory, Tile::STRIDE);
        if constexpr (quantizes(VALUES_AS)) {
#pragma unroll
            for (int block = 0; block < VALUE_LIMIT / BLOCK; block++) {
                // Scales of the next block are read when this one is done: registers are few.
                asm volatile("" ::: "memory");
                const float *scales = values.scales_at() + block * TOKENS + threadIdx.x % 4 * 2;
#pragma unroll
                for (int step = 0; step < TOKENS / 16; step++) {
                    float2 first = *reinterpret_cast<const float2 *>(scales + step * 16);
                    float2 second = *reinterpret_cast<const float2 *>(scales + step * 16 + 8);
                    const float by[4] = {first.x, first.y, second.x, second.y};
                    add<BfloatPairs, BLOCK / 16>(at + step * 16 * Tile::STRIDE + block * BLOCK * 2, weights, step, by, block * BLOCK / 8);
                }
            }
        } else {
            const float by[4] = {1, 1, 1, 1};
#pragma unroll
            for (int step = 0; step < TOKENS / 16; step++) {
                add<HalfPairs, COLUMN_TILES / 2>(at + step * 16 * Tile::STRIDE, weights, step, by, 0);
            }
        }
    }

    // Of 16 tokens, and of 16 * PAIRS columns. `by`: what the weights of this lane's tokens are multiplied by.
    template <class Pairs, int PAIRS>
    __device__ void add(unsigned at, const float (&weights)[TILES][4], int step, const float (&by)[4], int column_tile) {
        unsigned large[4];
        unsigned small[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float *two = &weights[2 * step + i / 2][i % 2 * 2];
            split(Pairs(), two[0] * by[i / 2 * 2], two[1] * by[i / 2 * 2 + 1], large[i], small[i]);
        }
        // Products of which one adds to the sum of another stand apart.
#pragma unroll
        for (int pair = 0; pair < PAIRS; pair += 2) {
            unsigned value[2][4];
            load_turned_matrices(at + pair * 32, value[0]);
            load_turned_matrices(at + pair * 32 + 32, value[1]);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                int tile = i % 4;
                multiply(Pairs(), sums[column_tile + 2 * pair + tile], i < 4 ? large : small, value[tile / 2][tile % 2 * 2],
                        value[tile / 2][tile % 2 * 2 + 1]);
            }
        }
    }
};
