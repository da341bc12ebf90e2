/*
 * What a block that multiplies by tensor cores has in shared memory: panels of weights as they lie in device memory, two by turns, and
 * steps of 64 columns of activations, a ring of three. While one step is multiplied, the one after the next is on its way, and the next
 * panel. With few tokens, which take little memory and little time, a step is a panel, and the next one is on its way.
 */
#pragma once
#include "block_products.cuh"
#include "shares.cuh"
#include "tensor.cuh"

/* A float32 with this exponent has integers up to 2^22 in its lower bits: added to its bits, they are added to its value. */
constexpr int SHIFT_BITS = 0x4b400000;
constexpr float SHIFT = 12582912;

/* How the threads of a block share an output tile: a warp has one tile of weights, and all or half of the tokens. */
template <int TOKENS>
struct BlockShape {
    static constexpr int TOKEN_WARPS = TOKENS >= 64 ? 2 : 1;
    static constexpr int THREADS = 32 * ROW_TILES * TOKEN_WARPS;
    static constexpr int WARP_TOKENS = TOKENS / TOKEN_WARPS;
    /* Of a step, and how many steps ahead are on their way. */
    static constexpr int STEP_BLOCKS = TOKENS <= 16 ? PANEL_BLOCKS : 2;
    static constexpr int PANEL_STEPS = PANEL_BLOCKS / STEP_BLOCKS;
    static constexpr int AHEAD = PANEL_STEPS == 1 ? 1 : 2;
};

/* Scales, and offsets, of a row's block: one, or one for each half. */
template <class Type>
constexpr int ROW_FACTORS = (Type::HALVES ? 2 : 1) * (Type::OFFSETS ? 2 : 1);

/* Whether sums of the second half start elsewhere than those of the first. */
template <class Type>
constexpr bool TWO_STARTS = Type::HALVES && Type::ZERO != 0;

/* What a token's block has beside its scale and the start of its sums: another start, or one or two sums of values, scaled. */
template <class Type>
constexpr int MORE = TWO_STARTS<Type> ? 1 : Type::OFFSETS ? (Type::HALVES ? 2 : 1) : 0;

template <class Type, int TOKENS>
struct Stages {
    static constexpr int THREADS = BlockShape<TOKENS>::THREADS;
    static constexpr int STEP_BLOCKS = BlockShape<TOKENS>::STEP_BLOCKS;
    static constexpr int RING = BlockShape<TOKENS>::AHEAD + 1;
    /* Pieces of 16 columns of a step. */
    static constexpr int PIECES = 2 * STEP_BLOCKS;
    bytes weights[2][ROW_TILES][PANEL_BYTES<Type>];
    /* Of rows g, 8 + g, 16 + g, 24 + g of a tile: scales, of both halves if these differ, then offsets. */
    float4 rows[ROW_FACTORS<Type>][PANEL_BLOCKS][ROW_TILES][8];
    uint4 values[RING][TOKENS][PIECES];
    int2 tokens[RING][STEP_BLOCKS][TOKENS]; /* the bits of the scale, the start of sums: SHIFT less what ZERO adds */
    float more[RING][STEP_BLOCKS][ROW_FACTORS<Type>][TOKENS];
    Segment segment; /* here, since registers are few */
    const bytes* tiles[ROW_TILES]; /* of the weights of the output tile; none beyond the last */
    int inputs[TOKENS];
    int outputs[TOKENS];
    int is_last;

    /* Where 16 columns of a step are: so that eight tokens' lie in different banks. */
    __device__ uint4* piece(int step, int token, int at) {
        int turn = PIECES >= 8 ? token & 7 : token >> 1 & 3;
        return &values[step % RING][token][at ^ turn];
    }

    __device__ void load_tile(int tile, int panel, int blocks, int to) {
        const bytes* from = tiles[tile];
        if (!from) {
            return;
        }
        from += static_cast<size_t>(panel) * PANEL_BYTES<Type>;
        int pieces = blocks == PANEL_BLOCKS ? PANEL_BYTES<Type> / 16 : blocks * (Type::BLOCK_BYTES * TILE_ROWS / 16);
#pragma unroll 1
        for (int i = threadIdx.x; i < pieces; i += THREADS) {
            copy_16(weights[to][tile] + 16 * i, from + 16 * i);
        }
    }

    /* A step's values of all tokens; `first` is its first block in the rows, of which `blocks` are there. */
    __device__ void load_values(const Activations& x, int step, int first, int blocks) {
        int at = threadIdx.x % PIECES;
#pragma unroll
        for (int i = 0; i < TOKENS * PIECES; i += THREADS) {
            int token = (i + threadIdx.x) / PIECES;
            if (token < TOKENS && at / 2 < blocks) {
                size_t from = static_cast<size_t>(inputs[token]) * (x.columns / BLOCK_COLUMNS) + first;
                copy_16(piece(step, token, at), x.values + 2 * from + at);
            }
        }
    }

    /* What a thread reads for `store_token`: of a token's block of a step. */
    __device__ int2 load_token(const Activations& x, int first, int blocks) {
        int at = threadIdx.x / TOKENS;
        if (threadIdx.x >= STEP_BLOCKS * TOKENS || at >= blocks) {
            return {};
        }
        return __ldg(x.blocks + static_cast<size_t>(inputs[threadIdx.x % TOKENS]) * (x.columns / BLOCK_COLUMNS) + first + at);
    }

    __device__ void store_token(int2 block, int step) {
        if (threadIdx.x >= STEP_BLOCKS * TOKENS) {
            return;
        }
        int at = threadIdx.x / TOKENS;
        int token = threadIdx.x % TOKENS;
        int first = block.y << 16 >> 16;
        int last = block.y >> 16;
        float scale = __int_as_float(block.x);
        int zeros = Type::ZERO * (Type::HALVES ? first : first + last);
        tokens[step % RING][at][token] = make_int2(block.x, SHIFT_BITS - zeros);
        auto& other = more[step % RING][at];
        if constexpr (TWO_STARTS<Type>) {
            other[0][token] = __int_as_float(SHIFT_BITS - Type::ZERO * last);
        } else if constexpr (Type::OFFSETS && Type::HALVES) {
            other[0][token] = scale * static_cast<float>(first);
            other[1][token] = scale * static_cast<float>(last);
        } else if constexpr (Type::OFFSETS) {
            other[0][token] = scale * static_cast<float>(first + last);
        }
    }

    /* The factors of all rows in a panel, which is here. */
    __device__ void find_factors(int from, int blocks) {
        int tile = threadIdx.x / 32 % ROW_TILES;
        int row = threadIdx.x % 32;
        if (!tiles[tile]) {
            return;
        }
#pragma unroll 1
        for (int b = threadIdx.x / ROWS; b < blocks; b += THREADS / ROWS) {
            Block w = Type::read(StoredPanel<Type, Shared>{weights[from][tile], row, blocks}, b);
            auto store = [&](int factor, float value) {
                reinterpret_cast<float*>(&rows[factor][b][tile][row % 8])[row / 8] = value;
            };
            if constexpr (Type::HALVES) {
                store(0, w.scale * static_cast<float>(w.scales[0]));
                store(1, w.scale * static_cast<float>(w.scales[1]));
                if constexpr (Type::OFFSETS) {
                    store(2, w.offset * static_cast<float>(w.minima[0]));
                    store(3, w.offset * static_cast<float>(w.minima[1]));
                }
            } else {
                store(0, w.scale);
                if constexpr (Type::OFFSETS) {
                    store(1, w.offset);
                }
            }
        }
    }
};
