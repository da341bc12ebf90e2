/*
 * Products of many rows of activations by tensor cores: out = x * weights^T (+ bias), for one type of quantized weights. A block
 * multiplies 128 rows of weights with TOKENS rows of activations at a time (include/shares.cuh), which come to shared memory while it
 * works (include/stages.cuh). Each of its warps has a tile of 32 rows and half of the activations, or all; quants are unpacked where
 * they are multiplied. The sum of a block of 32 products is an exact integer, scales are applied in float32.
 *
 * live: (1), the number of rows
 * list: none, or (matrices, capacity): the places of each expert, as list_places found them
 * counts: none, or (matrices)
 * x: (n / sharing, columns): bytes of quantized activations, and their blocks
 * sharing: places that share a row of x: 1, or how many experts a row has
 * row_blocks: a 128th of the rows of a matrix of all parts
 * sums, arrived: include/shares.cuh
 * blocks: as many as the device has room for, of 256 for 64 or more TOKENS, of 128 for less
 */
#ifdef FLOATS
#include "float_pipeline.cuh"
#else
#include "pipeline.cuh"
#endif

/* Stores the results of a warp. */
template <int TOKENS>
__device__ inline void store_sums(
        const Part& part, const int* outputs, const WarpPlace& place, int row_tile, int count, const Sums<TOKENS>& sums) {
    int lane = threadIdx.x % 32;
    int row = row_tile * TILE_ROWS + lane / 4;
    float biases[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        biases[i] = part.bias && row + 8 * i < part.width ? part.bias[row + 8 * i] : 0;
    }
#pragma unroll
    for (int i = 0; i < 2 * Sums<TOKENS>::GROUPS; i++) {
        int token = place.token + i / 2 * 8 + lane % 4 * 2 + i % 2;
        if (token >= count) {
            continue;
        }
        float* to = part.out + static_cast<size_t>(outputs[token]) * part.width + row;
#pragma unroll
        for (int r = 0; r < 4; r++) {
            if (row + 8 * r < part.width) {
                to[8 * r] = sums.values[r / 2][i / 2][r % 2 * 2 + i % 2] + biases[r];
            }
        }
    }
}

/* Where a block leaves what it found of an output tile. */
template <int TOKENS>
__device__ inline float4* leftover(const Leftovers& leftovers, int block, bool at_end) {
    size_t slot = 2 * static_cast<size_t>(block) + at_end;
    return leftovers.sums + slot * (ROWS * TOKENS / 4) + threadIdx.x;
}

/*
 * Leaves what this block found of an output tile; if it is the last of all that have a share of this tile, adds up all of it.
 */
template <class Type, int TOKENS>
__device__ inline bool add_up(const Leftovers& leftovers, Stages<Type, TOKENS>& stages, Sums<TOKENS>& sums) {
    constexpr int threads = BlockShape<TOKENS>::THREADS;
    constexpr int fours = 2 * Sums<TOKENS>::GROUPS;
    const Segment& segment = stages.segment;
    auto* values = reinterpret_cast<float4*>(sums.values);
    float4* mine = leftover<TOKENS>(leftovers, blockIdx.x, segment.first == 0);
#pragma unroll
    for (int i = 0; i < fours; i++) {
        __stcg(mine + i * threads, values[i]);
    }
    int begin = segment.unit - segment.first;
    int first = segment.shares.block_of(begin);
    int last = segment.shares.block_of(begin + segment.panels - 1);
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        stages.is_last = atomicAdd(leftovers.arrived + first, 1) == last - first;
    }
    __syncthreads();
    if (!stages.is_last) {
        return false;
    }
    __threadfence();
    sums = {};
#pragma unroll 1
    for (int block = first; block <= last; block++) {
        const float4* its = leftover<TOKENS>(leftovers, block, block == first);
#pragma unroll
        for (int i = 0; i < fours; i++) {
            float4 more = __ldcg(its + i * threads);
            values[i] = make_float4(values[i].x + more.x, values[i].y + more.y, values[i].z + more.z, values[i].w + more.w);
        }
    }
    if (threadIdx.x == 0) {
        leftovers.arrived[first] = 0;
    }
    return true;
}

/* Begins an output tile: writes what all threads share. */
template <class Type, int TOKENS>
__device__ inline void begin_tile(
        Stages<Type, TOKENS>& stages, const Work& work, const Part (&parts)[4], const Shares& shares, int unit, int panels, int columns) {
    OutputTile tile = output_tile(work, unit / panels, TOKENS);
    __syncthreads();
    if (threadIdx.x == 0) {
        int first = unit % panels;
        int last = min(panels, first + shares.begin(blockIdx.x + 1) - unit);
        stages.segment = {tile, shares, panels, unit, first, last};
    }
#pragma unroll 1
    for (int i = threadIdx.x; i < TOKENS; i += BlockShape<TOKENS>::THREADS) {
        int place = min(tile.begin + i, tile.end - 1);
        int output = tile.list ? tile.list[place] : place;
        stages.outputs[i] = output;
        stages.inputs[i] = output / work.sharing;
    }
    if (threadIdx.x < ROW_TILES) {
        int row_tile = tile.row_block * ROW_TILES + threadIdx.x;
        Part part = find_part(parts, row_tile);
        size_t its = static_cast<size_t>(tile.matrix) * part.tiles + row_tile;
        stages.tiles[threadIdx.x] = part.tiles ? part.weights + its * tile_bytes<Type>(columns) : nullptr;
    }
    __syncthreads();
}

/* Stores the results of an output tile. */
template <class Type, int TOKENS>
__device__ inline void end_tile(
        const Stages<Type, TOKENS>& stages, const Part (&parts)[4], const WarpPlace& place, const Sums<TOKENS>& sums) {
    const OutputTile& tile = stages.segment.output;
    int row_tile = tile.row_block * ROW_TILES + place.tile;
    Part part = find_part(parts, row_tile);
    if (part.tiles) {
        store_sums<TOKENS>(part, stages.outputs, place, row_tile, tile.count(), sums);
    }
}

/* All of this block's share. */
template <class Type, int TOKENS>
__device__ inline void multiply_share(
        Stages<Type, TOKENS>& stages, const Work& work, const Activations& x, const Part (&parts)[4], const Leftovers& leftovers) {
    int panels = (x.columns + PANEL_COLUMNS - 1) / PANEL_COLUMNS;
    Shares shares = Shares::of(output_tiles(work, TOKENS) * panels, gridDim.x);
    if (static_cast<int>(blockIdx.x) >= shares.count) {
        return;
    }
    WarpPlace place = WarpPlace::of<TOKENS>();
    int unit = shares.begin(blockIdx.x);
#pragma unroll 1
    do {
        begin_tile(stages, work, parts, shares, unit, panels, x.columns);
        Sums<TOKENS> sums = {};
        Pipeline<Type, TOKENS>{stages, x}.run(place, sums);
        const Segment& segment = stages.segment;
        if (segment.is_whole() || add_up(leftovers, stages, sums)) {
            end_tile(stages, parts, place, sums);
        }
        unit = segment.unit + segment.last - segment.first;
        shares = segment.shares;
        panels = segment.panels;
    } while (unit < shares.begin(blockIdx.x + 1));
}

#define TENSOR_KERNEL(TOKENS)                                                                                                       \
    extern "C" __global__ void __launch_bounds__(BlockShape<TOKENS>::THREADS, AT_ONCE<TYPE, TOKENS>) VARIANT(mma_, _##TOKENS)(      \
            const int* __restrict__ live, const int* __restrict__ list, const int* __restrict__ counts, int capacity, int matrices, \
            int sharing, int row_blocks, const bytes* __restrict__ x, const bytes* __restrict__ blocks, int columns, float4* sums,   \
            int* arrived, PARTS) {                                                                                                   \
        extern __shared__ __align__(16) bytes memory[];                                                                              \
        const Part parts[4] = MAKE_PARTS;                                                                                            \
        Work work{list, counts, capacity, matrices, sharing, *live, row_blocks};                                                     \
        auto& stages = *reinterpret_cast<Stages<TYPE, TOKENS>*>(memory);                                                             \
        multiply_share<TYPE, TOKENS>(stages, work, input_of(x, blocks, columns), parts, Leftovers{sums, arrived});                   \
    }
TENSOR_KERNEL(8)
TENSOR_KERNEL(16)
TENSOR_KERNEL(32)
TENSOR_KERNEL(64)
TENSOR_KERNEL(128)
