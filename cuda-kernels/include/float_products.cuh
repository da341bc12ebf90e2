/*
 * Products of weights of floats with activations of floats. In a tile of 32 rows, a row's values are cut into pieces of 16 bytes; piece p
 * of row r is at 512 p + 16 r. Values that fill no piece lie in lines: one value of all 32 rows.
 *
 * A type is a struct with
 *   VALUE_BYTES: of a value
 *   four(source): the floats of four values
 *   one(source): that of one
 */
#pragma once
#include "float_types.cuh"

/* Rows of activations. */
struct Activations {
    const float* values; /* (n, columns) */
    int columns;
};

/* Four neighbouring activations; rows begin anywhere unless they are a multiple of 16 bytes long. */
__device__ inline float4 four_activations(const float* at, bool aligned) {
    if (aligned) {
        return __ldg(reinterpret_cast<const float4*>(at));
    }
    return make_float4(__ldg(at), __ldg(at + 1), __ldg(at + 2), __ldg(at + 3));
}

__device__ inline float add_four(float4 w, float4 x, float sum) {
    return fmaf(w.w, x.w, fmaf(w.z, x.z, fmaf(w.y, x.y, fmaf(w.x, x.x, sum))));
}

/* Most warps of a block with one row of activations. */
template <class Type>
constexpr int MOST_WARPS = 16;

/* Blocks of 8 warps that a processor shall have room for. */
template <class Type, int COUNT>
constexpr int RESIDENT = 2;

/* The lane's row with some rows of activations, of which this warp has its share of the columns. Floats are read in one way. */
template <class Type, int COUNT, class = Constant>
__device__ inline void multiply_share(
        const bytes* tile, const Activations& x, const int (&inputs)[COUNT], int split, int splits, float (&sums)[COUNT]) {
    constexpr int values = PIECE_VALUES<Type>;
    constexpr int step = COUNT == 1 ? 4 : 1;
    bool aligned = x.columns % 4 == 0;
    int pieces = x.columns / values;
#pragma unroll step
    for (int p = split; p < pieces; p += splits) {
        FloatPiece<Type> w(tile, p);
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            const float* at = x.values + static_cast<size_t>(inputs[i]) * x.columns + p * values;
#pragma unroll
            for (int j = 0; j < values / 4; j++) {
                sums[i] = add_four(w.fours[j], four_activations(at + 4 * j, aligned), sums[i]);
            }
        }
    }
#pragma unroll 1
    for (int column = pieces * values + split; column < x.columns; column += splits) {
        float w = float_weight<Type>(tile, column, threadIdx.x, x.columns);
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            sums[i] = fmaf(w, __ldg(x.values + static_cast<size_t>(inputs[i]) * x.columns + column), sums[i]);
        }
    }
}

/* Columns of activations that are in shared memory at a time. */
constexpr int SHARED_COLUMNS = 64;

/* Activations of some tokens and some columns, in shared memory. */
template <int TOKENS>
struct SharedActivations {
    float4 values[TOKENS][SHARED_COLUMNS / 4];

    __device__ float& value(int token, int column) {
        return reinterpret_cast<float*>(values[token])[column];
    }

    /* All threads of the block, `count` of them, read the tokens' columns from `first` on. */
    __device__ void load(const Activations& x, const int* inputs, int first, int columns, int thread, int count) {
        for (int i = thread; i < TOKENS * SHARED_COLUMNS; i += count) {
            int token = i / SHARED_COLUMNS;
            int column = i % SHARED_COLUMNS;
            if (column < columns) {
                value(token, column) = __ldg(x.values + static_cast<size_t>(inputs[token]) * x.columns + first + column);
            }
        }
    }
};

/* The lanes' rows with the tokens whose rows of activations `inputs`, in shared memory, has; without a tile, the warp only helps reading. */
template <class Type, int TOKENS>
__device__ inline void multiply_many(
        const bytes* tile, const Activations& x, const int* inputs, SharedActivations<TOKENS>& shared, float (&sums)[TOKENS]) {
    constexpr int values = PIECE_VALUES<Type>;
    int thread = threadIdx.y * 32 + threadIdx.x;
#pragma unroll 1
    for (int first = 0; first < x.columns; first += SHARED_COLUMNS) {
        int columns = min(SHARED_COLUMNS, x.columns - first);
        __syncthreads();
        shared.load(x, inputs, first, columns, thread, 32 * blockDim.y);
        __syncthreads();
        if (!tile) {
            continue;
        }
        int whole = columns / values * values;
#pragma unroll 1
        for (int column = 0; column < whole; column += values) {
            FloatPiece<Type> w(tile, (first + column) / values);
#pragma unroll
            for (int t = 0; t < TOKENS; t++) {
#pragma unroll
                for (int j = 0; j < values / 4; j++) {
                    sums[t] = add_four(w.fours[j], shared.values[t][column / 4 + j], sums[t]);
                }
            }
        }
#pragma unroll 1
        for (int column = whole; column < columns; column++) {
            float w = float_weight<Type>(tile, first + column, threadIdx.x, x.columns);
#pragma unroll
            for (int t = 0; t < TOKENS; t++) {
                sums[t] = fmaf(w, shared.value(t, column), sums[t]);
            }
        }
    }
}

/* The parameters of a kernel, of which floats have no use for the blocks. */
__device__ inline Activations input_of(const bytes* x, const bytes*, int columns) {
    return {reinterpret_cast<const float*>(x), columns};
}
