/*
 * What a block that multiplies by tensor cores has in shared memory: panels of weights as they lie in device memory, two by turns, and
 * steps of 64 columns of activations, a ring of three. While one step is multiplied, the one after the next is on its way, and the next
 * panel. With few tokens, which take little memory and little time, a step is a panel, and the next one is on its way.
 */
#pragma once
#include "block_products.cuh"
#include "copy_groups.cuh"
#include "warp_tiles.cuh"

/* How activations are cut into steps. */
template <int TOKENS>
struct StepShape {
    /* Of a step, and how many steps ahead are on their way. */
    static constexpr int STEP_BLOCKS = TOKENS <= 16 ? PANEL_BLOCKS : 2;
    static constexpr int PANEL_STEPS = PANEL_BLOCKS / STEP_BLOCKS;
    static constexpr int AHEAD = PANEL_STEPS == 1 ? 1 : 2;
};

/*
 * Sums of products are integers that shall be floats without a conversion: they are counted from bits that a float makes a number of.
 * A float32 with the exponent of SHIFT has integers up to 2^22 in its lower bits: added to its bits, they are added to its value. Where
 * two halves of a block are added up, SHIFT would take the lower bits of a sum. There, counting starts from the least number that lets
 * no sum be negative; bits up to 2^24 are a float of 2^-149 for each, which the scales of rows and of tokens make up for.
 */
constexpr int SHIFT_BITS = 0x4b400000;
constexpr float SHIFT = 12582912;
constexpr float ROW_UNITS = 0x1p104f;
constexpr float TOKEN_UNITS = 0x1p45f;

/* Values of activations are at most so large. */
constexpr int MOST_VALUE = 127;

/* How far quants of types with two halves are from ZERO: at most as far as 0, two bits, or a coordinate of a grid of IQ2. */
template <class Type>
constexpr int MOST_QUANT = Type::ZERO != 0 ? Type::ZERO : Type::OFFSETS ? 3 : 43;

template <class Type>
constexpr int START = Type::HALVES ? 16 * MOST_VALUE * MOST_QUANT<Type> : SHIFT_BITS;

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
struct Stages : BlockWork<TOKENS> {
    static constexpr int THREADS = BlockShape<TOKENS>::THREADS;
    static constexpr int STEP_BLOCKS = StepShape<TOKENS>::STEP_BLOCKS;
    static constexpr int RING = StepShape<TOKENS>::AHEAD + 1;
    /* Pieces of 16 columns of a step. */
    static constexpr int PIECES = 2 * STEP_BLOCKS;
    alignas(16) bytes weights[2][ROW_TILES][PANEL_BYTES<Type>];
    /* Of rows g, 8 + g, 16 + g, 24 + g of a tile: scales, of both halves if these differ, then offsets. */
    float4 rows[ROW_FACTORS<Type>][PANEL_BLOCKS][ROW_TILES][8];
    uint4 values[RING][TOKENS][PIECES];
    int2 tokens[RING][STEP_BLOCKS][TOKENS]; /* the bits of the scale, the start of sums: START less what ZERO adds */
    float more[RING][STEP_BLOCKS][ROW_FACTORS<Type>][TOKENS];

    /* Where 16 columns of a step are: so that eight tokens' lie in different banks. */
    __device__ uint4* piece(int step, int token, int at) {
        int turn = PIECES >= 8 ? token & 7 : token >> 1 & 3;
        return &values[step % RING][token][at ^ turn];
    }

    __device__ void load_tile(int tile, int panel, int blocks, int to) {
        const bytes* from = this->tiles[tile];
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
                size_t from = static_cast<size_t>(this->inputs[token]) * (x.columns / BLOCK_COLUMNS) + first;
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
        return __ldg(x.blocks + static_cast<size_t>(this->inputs[threadIdx.x % TOKENS]) * (x.columns / BLOCK_COLUMNS) + first + at);
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
        int bits = Type::HALVES ? __float_as_int(scale * TOKEN_UNITS) : block.x;
        tokens[step % RING][at][token] = make_int2(bits, START<Type> - zeros);
        auto& other = more[step % RING][at];
        if constexpr (TWO_STARTS<Type>) {
            other[0][token] = __int_as_float(START<Type> - Type::ZERO * last);
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
        if (!this->tiles[tile]) {
            return;
        }
#pragma unroll 1
        for (int b = threadIdx.x / ROWS; b < blocks; b += THREADS / ROWS) {
            Block w = Type::read(StoredPanel<Type, Shared>{weights[from][tile], row, blocks}, b);
            auto store = [&](int factor, float value) {
                reinterpret_cast<float*>(&rows[factor][b][tile][row % 8])[row / 8] = value;
            };
            if constexpr (Type::HALVES) {
                float unit = w.scale * ROW_UNITS;
                store(0, unit * static_cast<float>(w.scales[0]));
                store(1, unit * static_cast<float>(w.scales[1]));
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
