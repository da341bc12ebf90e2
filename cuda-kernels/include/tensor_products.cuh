/* What a warp multiplies by tensor cores: its tile of weights with its tokens, block by block of 32 columns, out of shared memory. */
#pragma once
#include "fragments.cuh"
#include "stages.cuh"

/* What a warp works on. */
struct WarpPlace {
    int tile; /* of weights in the block's rows */
    int token; /* the first in the block's tokens */

    template <int TOKENS>
    __device__ static WarpPlace of() {
        int warp = threadIdx.x / 32;
        return {warp % ROW_TILES, warp / ROW_TILES * BlockShape<TOKENS>::WARP_TOKENS};
    }
};

/* A lane's results: of two times 16 rows of weights with eight tokens each. */
template <int TOKENS>
struct Sums {
    static constexpr int GROUPS = BlockShape<TOKENS>::WARP_TOKENS / 8;
    float values[2][GROUPS][4];
};

/* What the rows of a lane have in a block: those of results 0, 1 and 2, 3 of a fragment. */
template <class Type>
struct RowFactors {
    float4 values[ROW_FACTORS<Type>];

    template <int TOKENS>
    __device__ RowFactors(const Stages<Type, TOKENS>& stages, int b, int tile) {
#pragma unroll
        for (int i = 0; i < ROW_FACTORS<Type>; i++) {
            values[i] = stages.rows[i][b][tile][threadIdx.x % 32 / 4];
        }
    }

    __device__ float of(int factor, int fragment, int half) const {
        const float4& from = values[factor];
        return fragment ? (half ? from.w : from.z) : (half ? from.y : from.x);
    }
};

/* Adds the sums of a block, shifted by SHIFT, times the scales of rows and tokens. */
template <class Type>
__device__ inline void add_scaled(
        const int (&products)[4], const RowFactors<Type>& rows, int factor, int fragment, float2 scales, float (&sums)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float scale = rows.of(factor, fragment, i / 2);
        /* Exact but for one rounding: a scale has few bits, so that its product with SHIFT is a float. */
        float scaled = fmaf(__int_as_float(products[i]), scale, -SHIFT * scale);
        sums[i] = fmaf(scaled, i % 2 ? scales.y : scales.x, sums[i]);
    }
}

/* Adds the offsets of rows times the sums of tokens. */
template <class Type>
__device__ inline void add_offsets(const RowFactors<Type>& rows, int factor, int fragment, float2 sums_of_tokens, float (&sums)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        sums[i] = fmaf(rows.of(factor, fragment, i / 2), i % 2 ? sums_of_tokens.y : sums_of_tokens.x, sums[i]);
    }
}

/* Multiplies a block of 32 columns of this warp's rows with eight tokens, of which the lane's are `token` and the next. */
template <class Type, int TOKENS>
__device__ inline void multiply_eight(
        const Stages<Type, TOKENS>& stages, int step, int at, int token, const Fragment (&w)[2], const RowFactors<Type>& rows,
        unsigned first, unsigned last, float (&sums)[2][4]) {
    int slot = step % Stages<Type, TOKENS>::RING;
    int4 pair = *reinterpret_cast<const int4*>(&stages.tokens[slot][at][token]);
    float2 scales = make_float2(__int_as_float(pair.x), __int_as_float(pair.z));
    int2 start = make_int2(pair.y, pair.w);
    auto more = [&](int i) { return *reinterpret_cast<const float2*>(&stages.more[slot][at][i][token]); };
    int2 second = start;
    if constexpr (TWO_STARTS<Type>) {
        second = make_int2(__float_as_int(more(0).x), __float_as_int(more(0).y));
    }
#pragma unroll
    for (int f = 0; f < 2; f++) {
        int products[4];
        if constexpr (Type::HALVES) {
            multiply_16(w[f].first, first, start, products);
            add_scaled(products, rows, 0, f, scales, sums[f]);
            multiply_16(w[f].last, last, second, products);
            add_scaled(products, rows, 1, f, scales, sums[f]);
        } else {
            multiply_32(w[f].first, w[f].last, first, last, start, products);
            add_scaled(products, rows, 0, f, scales, sums[f]);
        }
        if constexpr (Type::OFFSETS) {
#pragma unroll
            for (int half = 0; half <= Type::HALVES; half++) {
                add_offsets(rows, ROW_FACTORS<Type> / 2 + half, f, more(half), sums[f]);
            }
        }
    }
}

/* Multiplies one block of 32 columns of this warp's rows and tokens: block b of a panel, block `at` of a step. */
template <class Type, int TOKENS>
__device__ inline void multiply_block(
        Stages<Type, TOKENS>& stages, const WarpPlace& place, int step, int at, int panel, int b, int blocks, Sums<TOKENS>& sums) {
    constexpr int groups = Sums<TOKENS>::GROUPS;
    int lane = threadIdx.x % 32;
    Fragment w[2];
#pragma unroll
    for (int f = 0; f < 2; f++) {
        w[f] = read_fragment<Type>(stages.weights[panel % 2][place.tile], 16 * f, blocks, b);
    }
    RowFactors<Type> rows(stages, b, place.tile);
#pragma unroll
    for (int g = 0; g < groups; g += 2) {
        int token = place.token + 8 * g;
        unsigned x[4];
        unsigned address = shared_address(stages.piece(step, token + lane / 16 * 8 % (8 * groups) + lane % 8, 2 * at + lane / 8 % 2));
        if constexpr (groups == 1) {
            load_two_matrices(address, x);
        } else {
            load_matrices(address, x);
        }
#pragma unroll
        for (int i = 0; i < min(groups, 2); i++) {
            float some[2][4];
#pragma unroll
            for (int f = 0; f < 2; f++) {
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    some[f][j] = sums.values[f][g + i][j];
                }
            }
            multiply_eight(stages, step, at, token + 8 * i + lane % 4 * 2, w, rows, x[2 * i], x[2 * i + 1], some);
#pragma unroll
            for (int f = 0; f < 2; f++) {
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    sums.values[f][g + i][j] = some[f][j];
                }
            }
        }
    }
}
