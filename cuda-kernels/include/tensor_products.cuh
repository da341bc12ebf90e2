/* What a warp multiplies by tensor cores: its tile of weights with its tokens, block by block of 32 columns, out of shared memory. */
#pragma once
#include "fragments.cuh"
#include "stages.cuh"

/* Reads two matrices of 8 rows of 16 bytes, as load_matrices reads four; what lanes from 16 on have is not used. */
__device__ inline void load_two_matrices(unsigned address, unsigned (&to)[4]) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];" : "=r"(to[0]), "=r"(to[1]) : "r"(address) : "memory");
}

/*
 * 16 rows of 32 signed bytes times 8 columns of as many: to = a * b + start. A lane has, of rows lane / 4 and 8 + lane / 4, word lane % 4
 * of the first and of the last 16 bytes, of column lane / 4 the same, and of the results columns 2 * (lane % 4) and the next.
 */
__device__ inline void multiply_32(const unsigned (&first)[2], const unsigned (&last)[2], unsigned b0, unsigned b1, int2 start, int (&to)[4]) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %10, %11};"
        : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
        : "r"(first[0]), "r"(first[1]), "r"(last[0]), "r"(last[1]), "r"(b0), "r"(b1), "r"(start.x), "r"(start.y));
}

/* The same of 16 bytes. */
__device__ inline void multiply_16(const unsigned (&a)[2], unsigned b, int2 start, int (&to)[4]) {
    asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %7, %8};"
        : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
        : "r"(a[0]), "r"(a[1]), "r"(b), "r"(start.x), "r"(start.y));
}

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

/* Adds the sums of a block, counted from SHIFT, times the scales of rows and tokens. */
template <class Type>
__device__ inline void add_scaled(
        const int (&products)[4], const RowFactors<Type>& rows, int fragment, float2 scales, float (&sums)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float scale = rows.of(0, fragment, i / 2);
        /* Exact but for one rounding: a scale has few bits, so that its product with SHIFT is a float. */
        float scaled = fmaf(__int_as_float(products[i]), scale, -SHIFT * scale);
        sums[i] = fmaf(scaled, i % 2 ? scales.y : scales.x, sums[i]);
    }
}

/*
 * The same of two halves, counted from START. The first of two roundings is of a number up to START times the scales, which has 14 to 17
 * bits of a float's 24: 2^-8 of a product's unit, or less.
 */
template <class Type>
__device__ inline void add_scaled_halves(
        const int (&first)[4], const int (&last)[4], const RowFactors<Type>& rows, int fragment, float2 scales, float (&sums)[4]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        float scale = rows.of(0, fragment, i / 2);
        float other = rows.of(1, fragment, i / 2);
        float start = (scale + other) * -__int_as_float(START<Type>);
        float scaled = fmaf(__int_as_float(last[i]), other, fmaf(__int_as_float(first[i]), scale, start));
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
            int others[4];
            multiply_16(w[f].first, first, start, products);
            multiply_16(w[f].last, last, second, others);
            add_scaled_halves(products, others, rows, f, scales, sums[f]);
        } else {
            multiply_32(w[f].first, w[f].last, first, last, start, products);
            add_scaled(products, rows, f, scales, sums[f]);
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
