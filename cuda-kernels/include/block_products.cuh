/*
 * Products of quantized weights with quantized activations: the sums of the products of each block are exact integers, scales are applied
 * in float32.
 */
#pragma once
#include "parts.cuh"

/* What the kernel `quantize` writes. */
struct Activations {
    const int4* values; /* (n, columns / 16): 16 signed bytes each */
    const int2* blocks; /* (n, columns / 32): the bits of the scale, the sums of the first and of the last 16 values in 16 bits each */
    int columns;
};

/* 32 activations. */
struct ActivationBlock {
    int words[8];
    float scale;
    int first_sum;
    int last_sum;
};

__device__ inline ActivationBlock make_activations(int4 first, int4 last, int2 block) {
    return {
            {first.x, first.y, first.z, first.w, last.x, last.y, last.z, last.w},
            __int_as_float(block.x),
            block.y << 16 >> 16,
            block.y >> 16};
}

/* Blocks of a row of activations from `first` on. */
__device__ inline Activations from_block(const Activations& x, int input, int first) {
    size_t at = static_cast<size_t>(input) * (x.columns / BLOCK_COLUMNS) + first;
    return {x.values + 2 * at, x.blocks + at, x.columns};
}

/* Block b of those. */
__device__ inline ActivationBlock activation_block(const Activations& x, int b) {
    return make_activations(__ldg(x.values + 2 * b), __ldg(x.values + 2 * b + 1), __ldg(x.blocks + b));
}

/* Adds the product of a block to a sum. */
template <class Type>
__device__ inline void add_product(const Block& w, const ActivationBlock& x, float& sum) {
    int first = 0;
    int last = 0;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        first = __dp4a(w.words[i], x.words[i], first);
    }
    if constexpr (!Type::HALVES) {
        last = first;
    }
#pragma unroll
    for (int i = 4; i < 8; i++) {
        last = __dp4a(w.words[i], x.words[i], last);
    }
    int both = x.first_sum + x.last_sum;
    int product = last;
    int offsets = both;
    if constexpr (Type::HALVES) {
        product = (first - Type::ZERO * x.first_sum) * w.scales[0] + (last - Type::ZERO * x.last_sum) * w.scales[1];
        offsets = x.first_sum * w.minima[0] + x.last_sum * w.minima[1];
    } else {
        product -= Type::ZERO * both;
    }
    float scaled = static_cast<float>(product) * w.scale;
    if constexpr (Type::OFFSETS) {
        scaled = fmaf(w.offset, static_cast<float>(offsets), scaled);
    }
    sum = fmaf(scaled, x.scale, sum);
}

/* Bytes of a tile, of a panel of it. */
template <class Type>
__device__ inline size_t tile_bytes(int columns) {
    constexpr int block = Type::BYTES == Type::BLOCK_BYTES ? PANEL_COLUMNS : BLOCK_COLUMNS;
    return static_cast<size_t>(columns / block) * (Type::BLOCK_BYTES * TILE_ROWS);
}

template <class Type>
constexpr int PANEL_BYTES = Type::BYTES * TILE_ROWS;

/* The panel that block b of a row is in. */
template <class Type>
__device__ inline StoredPanel<Type> panel_of(const bytes* tile, int row, int b, int blocks) {
    int panel = b / PANEL_BLOCKS;
    return {tile + static_cast<size_t>(panel) * PANEL_BYTES<Type>, row, min(PANEL_BLOCKS, blocks - panel * PANEL_BLOCKS)};
}

/* Most warps of a block with one row of activations, which have a panel each in registers. */
template <class Type>
constexpr int MOST_WARPS = Type::BYTES > 176 ? 8 : 16;

/* Blocks of 8 warps that a processor shall have room for: two where their sums, and the panels that they read, fit the registers. */
template <class Type, int COUNT>
constexpr int RESIDENT = COUNT == 8 || (COUNT == 1 && Type::BYTES > 176) ? 1 : 2;

/* Blocks first, first + step, ... of the lane's row with some rows of activations. */
template <class Type, int COUNT>
__device__ inline void multiply_blocks(
        const bytes* tile, const Activations& x, const int (&inputs)[COUNT], int first, int step, float (&sums)[COUNT]) {
    int blocks = x.columns / BLOCK_COLUMNS;
#pragma unroll 1
    for (int b = first; b < blocks; b += step) {
        Block w = Type::read(panel_of<Type>(tile, threadIdx.x, b, blocks), b % PANEL_BLOCKS);
#pragma unroll
        for (int i = 0; i < COUNT; i++) {
            add_product<Type>(w, activation_block(from_block(x, inputs[i], b), 0), sums[i]);
        }
    }
}

/* Whole panels split, split + splits, ... of the lane's row, each read at once; then the blocks of a last one that is not whole. */
template <class Type, class Memory>
__device__ inline void multiply_panels(
        const bytes* tile, const Activations& x, const int (&inputs)[1], int split, int splits, float (&sums)[1]) {
    int whole = x.columns / PANEL_COLUMNS;
#pragma unroll 1
    for (int panel = split; panel < whole; panel += splits) {
        LoadedPanel<Type, Memory> loaded(tile + static_cast<size_t>(panel) * PANEL_BYTES<Type>, threadIdx.x);
        Activations its = from_block(x, inputs[0], panel * PANEL_BLOCKS);
#pragma unroll
        for (int b = 0; b < PANEL_BLOCKS; b++) {
            add_product<Type>(Type::read(loaded, b), activation_block(its, b), sums[0]);
        }
    }
    if constexpr (Type::BYTES != Type::BLOCK_BYTES) {
        multiply_blocks<Type, 1>(tile, x, inputs, whole * PANEL_BLOCKS + split, splits, sums);
    }
}

/* The lane's row with some rows of activations, of which this warp has its share of the columns. */
template <class Type, int COUNT, class Memory = Constant>
__device__ inline void multiply_share(
        const bytes* tile, const Activations& x, const int (&inputs)[COUNT], int split, int splits, float (&sums)[COUNT]) {
    if constexpr (COUNT == 1) {
        multiply_panels<Type, Memory>(tile, x, inputs, split, splits, sums);
    } else {
        multiply_blocks<Type, COUNT>(tile, x, inputs, split, splits, sums);
    }
}

/* Activations of some tokens and one panel, in shared memory. */
template <int TOKENS>
struct SharedActivations {
    int4 values[TOKENS][PANEL_COLUMNS / 16];
    int2 blocks[TOKENS][PANEL_BLOCKS];

    /* All threads of the block, `count` of them, read the tokens' columns of a panel of so many blocks. */
    __device__ void load(const Activations& x, const int* inputs, int panel, int panel_blocks, int thread, int count) {
        int blocks = x.columns / BLOCK_COLUMNS;
        for (int i = thread; i < TOKENS * PANEL_BLOCKS; i += count) {
            int token = i / PANEL_BLOCKS;
            int b = i % PANEL_BLOCKS;
            if (b < panel_blocks) {
                size_t at = static_cast<size_t>(inputs[token]) * blocks + panel * PANEL_BLOCKS + b;
                values[token][2 * b] = __ldg(x.values + 2 * at);
                values[token][2 * b + 1] = __ldg(x.values + 2 * at + 1);
                this->blocks[token][b] = __ldg(x.blocks + at);
            }
        }
    }
};

/* The lanes' rows with the tokens whose rows of activations `inputs`, in shared memory, has; without a tile, the warp only helps reading. */
template <class Type, int TOKENS>
__device__ inline void multiply_many(
        const bytes* tile, const Activations& x, const int* inputs, SharedActivations<TOKENS>& shared, float (&sums)[TOKENS]) {
    int blocks = x.columns / BLOCK_COLUMNS;
    int thread = threadIdx.y * 32 + threadIdx.x;
#pragma unroll 1
    for (int first = 0; first < blocks; first += PANEL_BLOCKS) {
        int count = min(PANEL_BLOCKS, blocks - first);
        __syncthreads();
        shared.load(x, inputs, first / PANEL_BLOCKS, count, thread, 32 * blockDim.y);
        __syncthreads();
        if (!tile) {
            continue;
        }
#pragma unroll 1
        for (int b = 0; b < count; b++) {
            Block w = Type::read(panel_of<Type>(tile, threadIdx.x, first, blocks), b);
#pragma unroll
            for (int t = 0; t < TOKENS; t++) {
                ActivationBlock its = make_activations(shared.values[t][2 * b], shared.values[t][2 * b + 1], shared.blocks[t][b]);
                add_product<Type>(w, its, sums[t]);
            }
        }
    }
}

/* The parameters of a kernel. */
__device__ inline Activations input_of(const bytes* x, const bytes* blocks, int columns) {
    return {reinterpret_cast<const int4*>(x), reinterpret_cast<const int2*>(blocks), columns};
}
