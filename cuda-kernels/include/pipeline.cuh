/* How weights and activations come to shared memory while those before them are multiplied. */
#pragma once
#include "tensor_products.cuh"

/* The way of a segment's panels through shared memory. */
template <class Type, int TOKENS>
struct Pipeline {
    Stages<Type, TOKENS>& stages;
    const Activations& x;
    static constexpr int STEP_BLOCKS = StepShape<TOKENS>::STEP_BLOCKS;
    static constexpr int PANEL_STEPS = StepShape<TOKENS>::PANEL_STEPS;
    static constexpr int AHEAD = StepShape<TOKENS>::AHEAD;

    __device__ int blocks_of(int panel) const {
        return min(PANEL_BLOCKS, x.columns / BLOCK_COLUMNS - panel * PANEL_BLOCKS);
    }

    __device__ int steps() const {
        return (stages.segment.last - stages.segment.first - 1) * PANEL_STEPS + (blocks_of(stages.segment.last - 1) + STEP_BLOCKS - 1) / STEP_BLOCKS;
    }

    /* The first block of a step in a row, and how many it has. */
    __device__ int block_of(int step) const {
        return stages.segment.first * PANEL_BLOCKS + step * STEP_BLOCKS;
    }
    __device__ int blocks_of_step(int step) const {
        return min(STEP_BLOCKS, x.columns / BLOCK_COLUMNS - block_of(step));
    }

    __device__ void load_values(int step) const {
        if (step >= 0 && step < steps()) {
            stages.load_values(x, step, block_of(step), blocks_of_step(step));
        }
    }

    __device__ int2 load_token(int step) const {
        return step < steps() ? stages.load_token(x, block_of(step), blocks_of_step(step)) : int2{};
    }

    __device__ void load_tile(int tile, int panel) const {
        if (panel < stages.segment.last) {
            stages.load_tile(tile, panel, blocks_of(panel), (panel - stages.segment.first) % 2);
        }
    }

    /*
     * Tiles of the panel that comes next, while a step is multiplied: two at first, so that the last has time to arrive; and all of the
     * first panel before the first step.
     */
    __device__ void load_tiles(int step) const {
        int quarter = step % PANEL_STEPS;
        bool all = PANEL_STEPS == 1 ? step >= -1 : step == -2;
        bool none = PANEL_STEPS == 1 ? step < -1 : step == -1;
        int from = all || quarter == 0 ? 0 : quarter + 1;
        int end = none ? 0 : all ? ROW_TILES : min(quarter + 2, ROW_TILES);
        int panel = stages.segment.first + (step < 0 ? 0 : step / PANEL_STEPS + 1);
#pragma unroll 1
        for (int tile = from; tile < end; tile++) {
            load_tile(tile, panel);
        }
    }

    /* Multiplies them all. A warp whose tokens or rows are none only helps. */
    __device__ void run(const WarpPlace& place, Sums<TOKENS>& sums) const {
        int2 token = {};
#pragma unroll 1
        for (int step = -2; step < steps(); step++) {
            if (step >= 0) {
                await_groups<AHEAD - 1>();
                __syncthreads();
            }
            if (step > -2) {
                stages.store_token(token, step + 1);
            }
            token = load_token(step + 2);
            load_values(step + AHEAD);
            load_tiles(step);
            end_group();
            if (step >= 0) {
                multiply_step(place, step, sums);
            }
        }
        await_groups<0>();
    }

    __device__ void multiply_step(const WarpPlace& place, int step, Sums<TOKENS>& sums) const {
        int panel = step / PANEL_STEPS;
        int blocks = blocks_of(stages.segment.first + panel);
        if (step % PANEL_STEPS == 0) {
            stages.find_factors(panel % 2, blocks);
            __syncthreads();
        }
        int count = stages.has_work(place) ? blocks_of_step(step) : 0;
#pragma unroll 1
        for (int at = 0; at < count; at++) {
            multiply_block(stages, place, step, at, panel, step % PANEL_STEPS * STEP_BLOCKS + at, blocks, sums);
        }
    }
};

/* Blocks that a processor shall have room for: as many as the sums, and what it takes to unpack quants, leave registers for. */
template <class Type, int TOKENS>
constexpr int AT_ONCE = TOKENS == 128 ? 1 : TOKENS == 64 ? (Type::HALVES || BY_WORDS<Type> ? 1 : 2) : TOKENS == 32 ? 3 : 4;
