// Sums and maxima over the threads of a warp and of a block, always in the same order.
#pragma once

constexpr unsigned ALL_LANES = 0xffffffff;
constexpr int WARP = 32;

__device__ inline float warp_sum(float x) {
    for (int step = WARP / 2; step > 0; step /= 2) {
        x += __shfl_xor_sync(ALL_LANES, x, step);
    }
    return x;
}

__device__ inline int warp_sum(int x) {
    for (int step = WARP / 2; step > 0; step /= 2) {
        x += __shfl_xor_sync(ALL_LANES, x, step);
    }
    return x;
}

__device__ inline float warp_max(float x) {
    for (int step = WARP / 2; step > 0; step /= 2) {
        x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, step));
    }
    return x;
}

// The sum over a block of whole warps. `shared` has room for a float per warp; all threads call it and get the sum.
__device__ inline float block_sum(float x, float *shared) {
    x = warp_sum(x);
    __syncthreads();
    if (threadIdx.x % WARP == 0) {
        shared[threadIdx.x / WARP] = x;
    }
    __syncthreads();
    float sum = 0;
    for (int i = 0; i < blockDim.x / WARP; i++) {
        sum += shared[i];
    }
    return sum;
}

// A value and the place where it stands. The larger value comes first, then the lower place.
struct Placed {
    float value;
    int place;

    __device__ bool before(const Placed &other) const {
        return value > other.value || (value == other.value && place < other.place);
    }
};

__device__ inline Placed warp_first(Placed x) {
    for (int step = WARP / 2; step > 0; step /= 2) {
        Placed other = {__shfl_xor_sync(ALL_LANES, x.value, step), __shfl_xor_sync(ALL_LANES, x.place, step)};
        x = other.before(x) ? other : x;
    }
    return x;
}
