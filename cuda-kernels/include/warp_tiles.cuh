/* How the warps of a block share an output tile of a product by tensor cores, and what they all need to know of it. */
#pragma once
#include "shares.cuh"

/* A warp has one tile of weights, and all or half of the tokens. */
template <int TOKENS>
struct BlockShape {
    static constexpr int TOKEN_WARPS = TOKENS >= 64 ? 2 : 1;
    static constexpr int THREADS = 32 * ROW_TILES * TOKEN_WARPS;
    static constexpr int WARP_TOKENS = TOKENS / TOKEN_WARPS;
};

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

/* What a block works on, in shared memory since registers are few. */
template <int TOKENS>
struct BlockWork {
    Segment segment;
    const bytes* tiles[ROW_TILES]; /* of the weights of the output tile; none beyond the last */
    int inputs[TOKENS];
    int outputs[TOKENS];
    int is_last;

    /* Whether a warp has anything to multiply. */
    __device__ bool has_work(const WarpPlace& place) const {
        return tiles[place.tile] && place.token < segment.output.count();
    }
};
