/* How weights of 16 bits and activations come to shared memory while those before them are multiplied, and their products. */
#pragma once
#include "float_stages.cuh"

/* Products of tensor cores with a depth of 16 that a step has. */
constexpr int STEP_PRODUCTS = STEP_COLUMNS / 16;

/* The way of a segment's steps through shared memory. */
template <class Type, int TOKENS>
struct Pipeline {
    Stages<Type, TOKENS>& stages;
    const Activations& x;

    /* The first step in a row, and the end of the segment's. */
    __device__ int first_step() const {
        return stages.segment.first * PANEL_STEPS;
    }
    __device__ int end_step() const {
        return min(stages.segment.last * PANEL_STEPS, (x.columns + STEP_COLUMNS - 1) / STEP_COLUMNS);
    }

    /* Begins to copy a step, if there is one; one group of copies in any case. */
    __device__ void load(int step) const {
        if (step < end_step()) {
            stages.load_weights(step, step * STEP_PIECES, x.columns / 8);
            stages.load_values(x, step, step * STEP_COLUMNS);
        }
        end_group();
    }

    /* Multiplies them all. A warp whose tokens or rows are none only helps. */
    __device__ void run(const WarpPlace& place, Sums<TOKENS>& sums) const {
#pragma unroll 1
        for (int step = first_step() - 1 - AHEAD; step < end_step(); step++) {
            if (step >= first_step() - 1) {
                await_groups<AHEAD - 1>();
                __syncthreads();
            }
            load(step + 1 + AHEAD);
            if (step + 1 >= first_step() && step + 1 < end_step()) {
                stages.split_values(step + 1);
            }
            if (step >= first_step() && stages.has_work(place)) {
                multiply_step(place, step, sums);
            }
        }
    }

    /* The weights of 16 rows and 16 columns, as tensor cores take them. */
    __device__ void read_weights(const WarpPlace& place, int step, int fragment, int product, unsigned (&to)[4]) const {
        int lane = threadIdx.x % 32;
        int row = 16 * fragment + lane % 16;
        load_matrices(shared_address(&stages.weights[step % (AHEAD + 2)][place.tile][2 * product + lane / 16][row]), to);
    }

    /* The activations of eight tokens and 16 columns: their largest parts, then the next. */
    __device__ void read_parts(int step, int first, int product, unsigned (&to)[4]) const {
        int lane = threadIdx.x % 32;
        load_matrices(shared_address(stages.part(step, first + lane % 8, 2 * product + lane / 8 % 2, lane / 16)), to);
    }

    /* The third parts of all columns of a step. */
    __device__ void read_thirds(int step, int first, unsigned (&to)[4]) const {
        int lane = threadIdx.x % 32;
        load_matrices(shared_address(stages.third(step, first + lane % 8, lane / 8)), to);
    }

    /*
     * Multiplies a step of this warp's rows and tokens. Tensor cores cut off what is beyond the 24 bits of a sum, so they add up no more
     * than a step; its smallest parts come first.
     */
    __device__ void multiply_step(const WarpPlace& place, int step, Sums<TOKENS>& sums) const {
        unsigned w[2][STEP_PRODUCTS][4];
#pragma unroll
        for (int f = 0; f < 2; f++) {
#pragma unroll
            for (int p = 0; p < STEP_PRODUCTS; p++) {
                read_weights(place, step, f, p, w[f][p]);
            }
        }
#pragma unroll
        for (int g = 0; g < Sums<TOKENS>::GROUPS; g++) {
            multiply_eight(step, place.token + 8 * g, w, sums.values[0][g], sums.values[1][g]);
        }
    }

    /* The same of eight tokens. */
    __device__ void multiply_eight(
            int step, int token, const unsigned (&w)[2][STEP_PRODUCTS][4], float (&first)[4], float (&last)[4]) const {
        using Parts = ActivationParts<Type>;
        typename Parts::Pairs pairs;
        unsigned parts[STEP_PRODUCTS][4];
        unsigned thirds[4];
#pragma unroll
        for (int p = 0; p < STEP_PRODUCTS; p++) {
            read_parts(step, token, p, parts[p]);
        }
        if constexpr (Parts::THIRD) {
            read_thirds(step, token, thirds);
        }
        float2 scales = {};
        if constexpr (Parts::SCALED) {
            scales = *reinterpret_cast<const float2*>(&stages.scales[step % 2][token + threadIdx.x % 4 * 2]);
        }
#pragma unroll
        for (int f = 0; f < 2; f++) {
            float products[4] = {};
#pragma unroll
            for (int number = Parts::THIRD ? 2 : 1; number >= 0; number--) {
#pragma unroll
                for (int p = 0; p < STEP_PRODUCTS; p++) {
                    const unsigned* x = number == 2 ? thirds + 2 * p : parts[p] + 2 * number;
                    multiply(pairs, products, w[f][p], x[0], x[1]);
                }
            }
            float (&sums)[4] = f ? last : first;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                if constexpr (Parts::SCALED) {
                    sums[i] = fmaf(products[i], i % 2 ? scales.y : scales.x, sums[i]);
                } else {
                    sums[i] += products[i];
                }
            }
        }
    }
};

/* Blocks that a processor shall have room for. */
template <class Type, int TOKENS>
constexpr int AT_ONCE = TOKENS == 128 ? 1 : TOKENS == 64 ? 2 : 4;
