/*
 * Products: out = x * weights^T (+ bias), for one type of weights. A lane of a warp has one row of a tile of 32 and some rows of
 * activations. For up to 8 of these, the warps of a block, and of several blocks where there are few tiles, share the columns of a tile;
 * their sums are added up in the order of the columns. For more, each warp has a tile, and the block's warps share activations in shared
 * memory. From compute capability 8.0 on, mma.cu does quantized weights with more than 4 rows.
 *
 * All kernels take a group of weights, and have one row of x for each of the live ones of out; or, where the weights have a matrix for
 * each expert, place i of out has the results of its expert, a place being a row's choice, counted through all rows.
 *
 * live: (1), the number of rows
 * ids: none; or the experts that rows chose, (n, used), each block having one place (of kernels for one row); or, with counts, the places
 *     of each expert that list_places found, (experts, capacity)
 * counts: none, or (experts)
 * capacity: the number of experts where ids are those, else as above
 * x: (n * used / sharing, columns), F32, or the bytes of quantized activations, and their blocks
 * sharing: places that share a row of x: 1 or used
 * sums, arrived: where blocks with the same tile leave their sums, (blocks of a slice, slices, COUNT, 32), and count; arrived is zeros
 * blocks: (limit / COUNT or places or experts, tiles of a matrix of all parts, slices of the columns) of 32 x (1 ... MOST_SPLITS) for few
 *     rows, the same with a MANY_WARPS-th of the tiles of 32 x MANY_WARPS, and one slice, for many
 */
#include "embed.cuh"
#include "types.cuh"

/* Most warps of a block that share a tile: with one row of activations as many as registers allow, so that all their reads are on the way
 * at once; warps of a block with a tile for each. */
template <int COUNT>
constexpr int MOST_SPLITS = COUNT == 1 ? MOST_WARPS<TYPE> : 8;
constexpr int MANY_WARPS = 4;
/* Rows of activations of a warp that has a tile by itself. */
constexpr int MANY = 16;

/* What a block works on: the places begin ... end - 1, of a list or of themselves, with a matrix. */
struct Work {
    const int* list;
    int sharing;
    int begin;
    int end;
    int matrix;

    __device__ int output(int place) const {
        return list ? list[place] : place;
    }
};

/* The work of a block that has `count` places at a time; none where begin is not less than end. */
__device__ inline Work work_of(
        const int* live, const int* ids, const int* counts, int used, int capacity, int sharing, int count) {
    int group = blockIdx.x;
    if (counts) {
        return {ids + static_cast<size_t>(group) * capacity, sharing, 0, counts[group], group};
    }
    if (ids) {
        int matrix = group < *live * used ? ids[group] : -1;
        bool known = matrix >= 0 && matrix < capacity;
        return {nullptr, sharing, group, known ? group + 1 : group, matrix};
    }
    int begin = group * count;
    return {nullptr, sharing, begin, min(begin + count, *live), 0};
}

/* Where the tile of a matrix is. */
__device__ inline const bytes* tile_of(const Part& part, int matrix, int tile, int columns) {
    return part.weights + (static_cast<size_t>(matrix) * part.tiles + tile) * tile_bytes<TYPE>(columns);
}

/* Where blocks that share a tile leave their sums. */
struct Slices {
    float* sums;
    int* arrived;

    __device__ int block() const {
        return blockIdx.y * gridDim.x + blockIdx.x;
    }

    /* The sum of one of COUNT places that a slice found for the lane's row. */
    template <int COUNT>
    __device__ float* sum(int slice, int i) const {
        return sums + ((static_cast<size_t>(block()) * gridDim.z + slice) * COUNT + i) * TILE_ROWS + threadIdx.x;
    }

    /* Whether all slices have left their sums, this block's the last. All threads call it. */
    __device__ bool all_here() const {
        __shared__ bool last;
        __threadfence();
        __syncthreads();
        if (threadIdx.x == 0 && threadIdx.y == 0) {
            last = atomicAdd(arrived + block(), 1) == static_cast<int>(gridDim.z) - 1;
            if (last) {
                arrived[block()] = 0;
            }
        }
        __syncthreads();
        __threadfence();
        return last;
    }
};

/* The products of a tile for up to COUNT places, the warps of this block having a share of the columns each. */
template <int COUNT>
__device__ void multiply_few(
        const Part& part, const bytes* tile, int row, const Activations& x, const Work& work, int begin, const Slices& slices) {
    __shared__ float shares[MOST_SPLITS<COUNT>][COUNT][TILE_ROWS];
    int split = threadIdx.y;
    int splits = blockDim.y;
    int inputs[COUNT];
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
        inputs[i] = work.output(min(begin + i, work.end - 1)) / work.sharing;
    }
    float sums[COUNT] = {};
    multiply_share<TYPE, COUNT, Streamed>(tile, x, inputs, blockIdx.z * splits + split, gridDim.z * splits, sums);
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
        shares[split][i][threadIdx.x] = sums[i];
    }
    __syncthreads();
    int count = min(COUNT, work.end - begin);
    for (int i = split; i < count; i += splits) {
        float sum = 0;
#pragma unroll 1
        for (int s = 0; s < splits; s++) {
            sum += shares[s][i][threadIdx.x];
        }
        if (gridDim.z == 1) {
            store(part, row, work.output(begin + i), sum);
        } else {
            __stcg(slices.sum<COUNT>(blockIdx.z, i), sum);
        }
    }
    if (gridDim.z == 1 || !slices.all_here()) {
        return;
    }
    for (int i = split; i < count; i += splits) {
        float sum = 0;
#pragma unroll 1
        for (int slice = 0; slice < gridDim.z; slice++) {
            sum += __ldcg(slices.sum<COUNT>(slice, i));
        }
        store(part, row, work.output(begin + i), sum);
    }
}

template <int COUNT>
__device__ void matmul_few(const Work& work, const Activations& x, const Part (&parts)[4], const Slices& slices) {
    int tile = blockIdx.y;
    Part part = find_part(parts, tile);
    const bytes* weights = tile_of(part, work.matrix, tile, x.columns);
#pragma unroll 1
    for (int begin = work.begin; begin < work.end; begin += COUNT) {
        multiply_few<COUNT>(part, weights, tile * TILE_ROWS + threadIdx.x, x, work, begin, slices);
        /* The shares are read before they are written again. */
        __syncthreads();
    }
}

/* What the warps of a block share: a place's row of x and of out, and activations. */
struct SharedWork {
    SharedActivations<MANY> activations;
    int inputs[MANY];
    int outputs[MANY];
};

/* The products of a tile of this warp, or of none, for up to MANY places. */
__device__ inline void multiply_tile(
        const Part& part, const bytes* tile, int row, const Activations& x, SharedWork& shared, int count) {
    float sums[MANY] = {};
    multiply_many<TYPE, MANY>(tile, x, shared.inputs, shared.activations, sums);
    if (!tile) {
        return;
    }
#pragma unroll
    for (int i = 0; i < MANY; i++) {
        if (i < count) {
            store(part, row, shared.outputs[i], sums[i]);
        }
    }
}

__device__ inline void matmul_many(const Work& work, const Activations& x, const Part (&parts)[4]) {
    __shared__ SharedWork shared;
    int tile = blockIdx.y * MANY_WARPS + threadIdx.y;
    Part part = find_part(parts, tile);
    const bytes* weights = part.tiles ? tile_of(part, work.matrix, tile, x.columns) : nullptr;
    int lane = threadIdx.x;
#pragma unroll 1
    for (int begin = work.begin; begin < work.end; begin += MANY) {
        __syncthreads();
        if (threadIdx.y == 0 && lane < MANY) {
            shared.outputs[lane] = work.output(min(begin + lane, work.end - 1));
            shared.inputs[lane] = shared.outputs[lane] / work.sharing;
        }
        __syncthreads();
        multiply_tile(part, weights, tile * TILE_ROWS + lane, x, shared, work.end - begin);
    }
}

#define PARAMETERS                                                                                                    \
    const int *__restrict__ live, const int *__restrict__ ids, const int *__restrict__ counts, int used, int capacity, \
            const bytes *__restrict__ x, const bytes *__restrict__ blocks, int sharing, int columns, float *sums, int *arrived, PARTS

#define FEW(COUNT)                                                                                                            \
    extern "C" __global__ void __launch_bounds__(32 * MOST_SPLITS<COUNT>, COUNT == 1 ? 1 : RESIDENT<TYPE, COUNT>)                                \
            VARIANT(matmul_, _##COUNT)(PARAMETERS) {                                                                           \
        const Part parts[4] = MAKE_PARTS;                                                                                      \
        Work work = work_of(live, ids, counts, used, capacity, sharing, COUNT);                                                \
        matmul_few<COUNT>(work, input_of(x, blocks, columns), parts, Slices{sums, arrived});                                   \
    }
FEW(1)
FEW(2)
FEW(4)
#if defined(FLOATS) || __CUDA_ARCH__ < 800
FEW(8)

extern "C" __global__ void __launch_bounds__(32 * MANY_WARPS, 4) VARIANT(matmul_, _16)(PARAMETERS) {
    const Part parts[4] = MAKE_PARTS;
    Work work = work_of(live, ids, counts, used, capacity, sharing, MANY);
    matmul_many(work, input_of(x, blocks, columns), parts);
}
#endif
