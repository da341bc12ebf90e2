/*
 * The first half of a feed-forward layer for one row, or for a row with each of its experts, with weights of one type: out = activation(x * gate^T) * (x * up^T). A block has
 * the same tile of both weights: half of its warps multiply by the one, half by the other, and those of a half share the columns. A lane
 * has a row of the tile: the 32 results of a warp are a block of quantized activations.
 */
#include "activations.cuh"
#include "gate.cuh"
#include "types.cuh"

/* Most warps that share the columns of a tile. */
constexpr int MOST_SPLITS = 4;

/* One of the two weights. */
struct Half {
    const bytes* weights; /* matrices one after another */
    const float* bias;    /* (width), or none */
    float* out;           /* (n, width): what is not gated yet; or none */
};

/* Where the results go. */
struct Gated {
    float* out;          /* (n, width) */
    signed char* values; /* (n, width), or none */
    int2* blocks;        /* (n, width / 32) */
    int width;
    int gelu;
};

/* Quantizes a value of each lane: those of a warp are a block. */
__device__ inline void quantize1(float x, signed char* value, int2* block) {
    float most = warp_max(fabsf(x));
    int number = quantized(x, inverse_of(most));
    int sum = number;
    for (int step = 1; step < 16; step *= 2) {
        sum += __shfl_xor_sync(ALL_LANES, sum, step);
    }
    int last = __shfl_xor_sync(ALL_LANES, sum, 16);
    *value = number;
    if (threadIdx.x == 0) {
        *block = make_int2(__float_as_int(__fdiv_rn(most, 127)), (sum & 0xffff) | last << 16);
    }
}

/* The matrix of a block's place; negative where the block has nothing to do. */
__device__ inline int matrix_of(const int* live, const int* ids, int used, int experts) {
    int place = blockIdx.x;
    if (place >= *live * used) {
        return -1;
    }
    int matrix = ids ? ids[place] : 0;
    return matrix < experts ? matrix : -1;
}

/* The sum of what the warps of a half found, kept where that is wanted. */
__device__ inline float finish(const Half& half, float sum, int row, const Gated& gated, size_t at) {
    if (row < gated.width) {
        sum = half.bias ? sum + half.bias[row] : sum;
        if (half.out) {
            half.out[at] = sum;
        }
    }
    return sum;
}

__device__ inline void multiply_gated(
        int matrix, const Activations& x, int sharing, const Half& gate, const Half& up, const Gated& gated) {
    __shared__ float shares[2][MOST_SPLITS][TILE_ROWS];
    int splits = blockDim.y / 2;
    int half = threadIdx.y / splits;
    int split = threadIdx.y % splits;
    int place = blockIdx.x;
    int tile = blockIdx.y;
    const bytes* weights =
            (half ? up : gate).weights + (static_cast<size_t>(matrix) * gridDim.y + tile) * tile_bytes<TYPE>(x.columns);
    int inputs[1] = {place / sharing};
    float sums[1] = {};
    multiply_share<TYPE, 1>(weights, x, inputs, split, splits, sums);
    shares[half][split][threadIdx.x] = sums[0];
    __syncthreads();
    if (threadIdx.y > 0) {
        return;
    }
    float both[2] = {};
#pragma unroll 1
    for (int s = 0; s < splits; s++) {
        both[0] += shares[0][s][threadIdx.x];
        both[1] += shares[1][s][threadIdx.x];
    }
    int row = tile * TILE_ROWS + threadIdx.x;
    size_t at = static_cast<size_t>(place) * gated.width + row;
    float left = finish(gate, both[0], row, gated, at);
    float y = ::gated(left, finish(up, both[1], row, gated, at), gated.gelu);
    if (row < gated.width) {
        gated.out[at] = y;
    }
    if (gated.values) {
        quantize1(y, gated.values + at, gated.blocks + at / BLOCK_COLUMNS);
    }
}

/*
 * live (1)
 * ids (n, used), the experts that rows chose; or none
 * experts, matrices of a weight
 * x (n * used / sharing, columns), F32, or the values of Q8, and their blocks
 * sharing, places that share a row of x: 1 or used
 * gate_out, up_out (n * used, width), or none
 * out (n * used, width), may be gate_out
 * values, out_blocks: out quantized, or none; then width is a multiple of 32
 * blocks: (places, tiles of a matrix) of 32 x (2 ... 8), an even number of warps; a place is a row's choice
 */
extern "C" __global__ void __launch_bounds__(32 * 2 * MOST_SPLITS, RESIDENT<TYPE, 1>) VARIANT(gated_, )(
        const int *__restrict__ live, const int *__restrict__ ids, int used, int experts, const bytes *__restrict__ x,
        const bytes *__restrict__ blocks, int sharing, int columns, const bytes *__restrict__ gate,
        const float *__restrict__ gate_bias, float *gate_out, const bytes *__restrict__ up, const float *__restrict__ up_bias,
        float *up_out, int width, int gelu, float *out, signed char *values, int2 *out_blocks) {
    int matrix = matrix_of(live, ids, used, experts);
    if (matrix >= 0) {
        multiply_gated(matrix, input_of(x, blocks, columns), sharing, {gate, gate_bias, gate_out}, {up, up_bias, up_out},
                {out, values, out_blocks, width, gelu});
    }
}
