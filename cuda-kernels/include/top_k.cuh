// The largest values of a row and their places, by digits of a number that orders all values of a row (radix selection).
#pragma once

#include "reductions.cuh"

constexpr int MOST_CHOSEN = 256;
constexpr int DIGITS = 256;
constexpr int DIGIT_BITS = 8;

using Order = unsigned long long;

// The larger value has the larger number, among equals the lower place. A NaN is larger than all numbers, zero and minus zero are equal.
__device__ inline Order order_of(float x, int place) {
    unsigned bits = __float_as_uint(x + 0.0f);
    unsigned value = isnan(x) ? 0xffffffff : bits >> 31 ? ~bits : bits | 0x80000000;
    return static_cast<Order>(value) << 32 | ~static_cast<unsigned>(place);
}

// What a block knows of the numbers that are chosen: those whose leading digits are at least `least`.
struct Choice {
    int counts[DIGITS];          // of numbers whose digits before are those of `least`, by the next digit
    Order least;
    int left;                    // how many of them are chosen
    int whole;                   // whether all of them are
    int found;
    Order numbers[MOST_CHOSEN];  // those chosen, in any order
    float values[MOST_CHOSEN];   // the values that they stand for

    // Adds the digit with which no more are chosen than wanted. A warp calls it; each lane has eight digits, the first the largest.
    __device__ void add_digit() {
        int lane = threadIdx.x;
        constexpr int each = DIGITS / WARP;
        int largest = DIGITS - 1 - lane * each;
        int own = 0;
        for (int i = 0; i < each; i++) {
            own += counts[largest - i];
        }
        int before = own;
        for (int step = 1; step < WARP; step *= 2) {
            int other = __shfl_up_sync(ALL_LANES, before, step);
            before += lane >= step ? other : 0;
        }
        before -= own;
        int wanted = left;
        Order leading = least;
        __syncwarp();
        if (before >= wanted || before + own < wanted) {
            return;
        }
        int digit = largest;
        while (before + counts[digit] < wanted) {
            before += counts[digit--];
        }
        least = leading << DIGIT_BITS | digit;
        left = wanted - before;
        whole = counts[digit] == wanted - before;
    }
};

// Chooses the `k` largest of a row; a block calls it.
__device__ inline void choose(const float *x, int width, int k, Choice &choice) {
    if (threadIdx.x == 0) {
        choice.least = 0;
        choice.left = k;
        choice.whole = 0;
        choice.found = 0;
    }
    __syncthreads();
    int shift = 64;
    while (!choice.whole) {
        shift -= DIGIT_BITS;
        Order leading = choice.least;
        for (int i = threadIdx.x; i < DIGITS; i += blockDim.x) {
            choice.counts[i] = 0;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < width; i += blockDim.x) {
            Order order = order_of(x[i], i) >> shift;
            if (order >> DIGIT_BITS == leading) {
                atomicAdd(&choice.counts[order % DIGITS], 1);
            }
        }
        __syncthreads();
        if (threadIdx.x < WARP) {
            choice.add_digit();
        }
        __syncthreads();
    }
    for (int i = threadIdx.x; i < width; i += blockDim.x) {
        Order order = order_of(x[i], i);
        if (order >> shift >= choice.least) {
            int at = atomicAdd(&choice.found, 1);
            choice.numbers[at] = order;
            choice.values[at] = x[i];
        }
    }
    __syncthreads();
}

// Writes what was chosen in falling order.
__device__ inline void write_chosen(const Choice &choice, int k, int *ids, float *values) {
    for (int i = threadIdx.x; i < k; i += blockDim.x) {
        Order own = choice.numbers[i];
        int before = 0;
        for (int j = 0; j < k; j++) {
            before += choice.numbers[j] > own;
        }
        ids[before] = ~static_cast<unsigned>(own);
        values[before] = choice.values[i];
    }
}
