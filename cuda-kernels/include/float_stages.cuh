/*
 * What a block that multiplies floats of 16 bits by tensor cores has in shared memory: steps of 32 columns of weights and of activations.
 * Tensor cores take activations in the type of weights, though they are floats: each is split into a sum of two or three such numbers.
 * While one step is multiplied, the next one, which is here, is split, and two more are on their way.
 */
#pragma once
#include "copy_groups.cuh"
#include "types.cuh"
#include "warp_tiles.cuh"

/* What activations become: two halves, which have 22 of a float's 24 bits once they are scaled, or three of bfloat16, which have all. */
template <class Type>
struct ActivationParts;
template <>
struct ActivationParts<F16> {
    using Pairs = HalfPairs;
    static constexpr bool SCALED = true;
    static constexpr bool THIRD = false;
};
template <>
struct ActivationParts<BF16> {
    using Pairs = BfloatPairs;
    static constexpr bool SCALED = false;
    static constexpr bool THIRD = true;
};

/* Eight neighbouring values of a token in parts. */
struct EightParts {
    unsigned large[4];
    unsigned middle[4];
    unsigned small[4];

    __device__ void set(HalfPairs pairs, int i, float x, float y) {
        split(pairs, x, y, large[i], middle[i]);
    }

    /* Bits are cut, so what is left of a number is exact. */
    __device__ void set(BfloatPairs, int i, float x, float y) {
        large[i] = cut(x, y);
        middle[i] = cut(x, y);
        small[i] = cut(x, y);
    }

    /* The upper halves of two floats, which keep what is left. */
    __device__ static unsigned cut(float& x, float& y) {
        unsigned x_bits = __float_as_uint(x);
        unsigned y_bits = __float_as_uint(y);
        x -= __uint_as_float(x_bits & 0xffff0000);
        y -= __uint_as_float(y_bits & 0xffff0000);
        return __byte_perm(x_bits, y_bits, 0x7632);
    }

    __device__ static uint4 piece(const unsigned (&of)[4]) {
        return make_uint4(of[0], of[1], of[2], of[3]);
    }
};

constexpr int STEP_COLUMNS = 32;
constexpr int PANEL_STEPS = PANEL_COLUMNS / STEP_COLUMNS;
/* Pieces of 16 bytes of a row of weights in a step, and of a token, as floats or split in two. */
constexpr int STEP_PIECES = STEP_COLUMNS / 8;
constexpr int TOKEN_PIECES = STEP_COLUMNS / 4;
/* Steps that are on their way beside the one that is split. */
constexpr int AHEAD = 2;

/* A power of two that brings values up to `most` to the range of halves, and its inverse. */
struct PartScale {
    float scale;
    float inverse;

    __device__ static PartScale of(float most) {
        constexpr int highest = 14;
        constexpr int bias = 127;
        int exponent = max(__float_as_int(most) >> 23, highest + 1);
        return {__int_as_float((2 * bias + highest - exponent) << 23), __int_as_float((exponent - highest) << 23)};
    }
};

template <class Type, int TOKENS>
struct Stages : BlockWork<TOKENS> {
    using Parts = ActivationParts<Type>;
    static constexpr int THREADS = BlockShape<TOKENS>::THREADS;
    alignas(16) uint4 weights[AHEAD + 2][ROW_TILES][STEP_PIECES][TILE_ROWS];
    float4 values[AHEAD + 1][TOKENS][TOKEN_PIECES];
    uint4 parts[2][TOKENS][TOKEN_PIECES]; /* of eight columns the largest parts, then the next */
    uint4 thirds[2][Parts::THIRD ? TOKENS : 0][STEP_PIECES];
    float scales[2][Parts::SCALED ? TOKENS : 0]; /* the inverse of what the parts are scaled by */

    /* Where four values of a token are: so that two tokens' lie in different banks. */
    __device__ float4* value(int step, int token, int at) {
        return &values[step % (AHEAD + 1)][token][at ^ (token & 1)];
    }

    /* Where a part of eight columns of a token is: so that eight tokens' lie in different banks. */
    __device__ uint4* part(int step, int token, int eight, int number) {
        return &parts[step % 2][token][(2 * eight + number) ^ (token & 7)];
    }
    __device__ uint4* third(int step, int token, int eight) {
        return &thirds[step % 2][token][eight ^ (token >> 1 & 3)];
    }

    /* Begins to copy a step of weights: pieces from `first` on of `pieces` in a row; those beyond are zeros. */
    __device__ void load_weights(int step, int first, int pieces) {
#pragma unroll 1
        for (int i = 0; i < ROW_TILES * STEP_PIECES * TILE_ROWS; i += THREADS) {
            int at = (i + threadIdx.x) % (STEP_PIECES * TILE_ROWS);
            int tile = (i + threadIdx.x) / (STEP_PIECES * TILE_ROWS);
            const bytes* from = this->tiles[tile];
            if (from) {
                int piece = first + at / TILE_ROWS;
                bool there = piece < pieces;
                from += (static_cast<size_t>(there ? piece : 0) * TILE_ROWS + at % TILE_ROWS) * 16;
                begin_copy(shared_address(&weights[step % (AHEAD + 2)][tile][0][at]), from, there ? 16 : 0);
            }
        }
    }

    /* Begins to copy a step of activations from column `first` on; those beyond the last are zeros. */
    __device__ void load_values(const Activations& x, int step, int first) {
#pragma unroll 1
        for (int i = 0; i < TOKENS * TOKEN_PIECES; i += THREADS) {
            int token = (i + threadIdx.x) / TOKEN_PIECES;
            int at = threadIdx.x % TOKEN_PIECES;
            if (token < TOKENS) {
                int column = first + 4 * at;
                bool there = column < x.columns;
                const float* from = x.values + static_cast<size_t>(this->inputs[token]) * x.columns + (there ? column : 0);
                begin_copy(shared_address(value(step, token, at)), from, there ? 16 : 0);
            }
        }
    }

    /* Splits a step of activations, which is here. Whole warps share tokens. */
    __device__ void split_values(int step) {
#pragma unroll
        for (int i = 0; i < TOKENS * STEP_PIECES; i += THREADS) {
            int token = (i + threadIdx.x) / STEP_PIECES;
            if (token < TOKENS) {
                split_eight(step, token, threadIdx.x % STEP_PIECES);
            }
        }
    }

    __device__ void split_eight(int step, int token, int eight) {
        float4 first = *value(step, token, 2 * eight);
        float4 last = *value(step, token, 2 * eight + 1);
        float scale = 1;
        if constexpr (Parts::SCALED) {
            float most = fmaxf(fmaxf(fmaxf(fabsf(first.x), fabsf(first.y)), fmaxf(fabsf(first.z), fabsf(first.w))),
                    fmaxf(fmaxf(fabsf(last.x), fabsf(last.y)), fmaxf(fabsf(last.z), fabsf(last.w))));
#pragma unroll
            for (int lanes = 1; lanes < STEP_PIECES; lanes *= 2) {
                most = fmaxf(most, __shfl_xor_sync(0xffffffff, most, lanes));
            }
            PartScale found = PartScale::of(most);
            scale = found.scale;
            if (eight == 0) {
                scales[step % 2][token] = found.inverse;
            }
        }
        EightParts all;
        typename Parts::Pairs pairs;
        all.set(pairs, 0, first.x * scale, first.y * scale);
        all.set(pairs, 1, first.z * scale, first.w * scale);
        all.set(pairs, 2, last.x * scale, last.y * scale);
        all.set(pairs, 3, last.z * scale, last.w * scale);
        *part(step, token, eight, 0) = EightParts::piece(all.large);
        *part(step, token, eight, 1) = EightParts::piece(all.middle);
        if constexpr (Parts::THIRD) {
            *third(step, token, eight) = EightParts::piece(all.small);
        }
    }
};
