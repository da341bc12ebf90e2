// The norm of a row, by a block of whole warps, at most 1024 threads.
#pragma once

#include "activations.cuh"
#include "float4s.cuh"

constexpr int MOST_WARPS = 32;

// Each thread takes four neighbouring values of a row at a time; all threads of a block go round equally often.
#define EACH_FOUR(i, width) \
    for (int base = 0, i = 4 * threadIdx.x; base < (width); base += 4 * blockDim.x, i += 4 * blockDim.x)

// The mean in two parts: of values far from zero, one float would hold it less exactly than they differ.
__device__ inline float2 mean_of(const float *x, int width, float *shared) {
    float sum = 0;
    EACH_FOUR(i, width) {
        sum += total(load4(x, i, width));
    }
    float mean = block_sum(sum, shared) / width;
    sum = 0;
    EACH_FOUR(i, width) {
        float4 value = load4(x, i, width) - mean;
        for (int j = 0; j < 4; j++) {
            sum += i + j < width ? (&value.x)[j] : 0;
        }
    }
    return make_float2(mean, block_sum(sum, shared) / width);
}

// The square of a group's values without their mean, those of this thread.
__device__ inline float squares_of(const float *x, int width, float2 mean) {
    float sum = 0;
    EACH_FOUR(i, width) {
        float4 value = load4(x, i, width) - mean.x - mean.y;
        for (int j = 0; j < 4; j++) {
            float one = i + j < width ? (&value.x)[j] : 0;
            sum = fmaf(one, one, sum);
        }
    }
    return sum;
}

// Writes the norm of a row, quantized as well where there are values. `shared` has room for a float per warp; what other threads wrote of
// the row is read behind a barrier only.
//   x      (width)
//   weight (width)
//   bias   (width) or null
//   out    (width), may be x
//   values (width) or null
//   blocks (width / 32) or null
__device__ inline void norm_row(const float *x, const float *weight, const float *bias, float *out, signed char *values, int2 *blocks,
        int width, int centred, float epsilon, float *shared) {
    float2 mean = centred ? mean_of(x, width, shared) : make_float2(0, 0);
    float scale = 1 / sqrtf(block_sum(squares_of(x, width, mean), shared) / width + epsilon);
    EACH_FOUR(i, width) {
        float4 y = (load4(x, i, width) - mean.x - mean.y) * scale * load4(weight, i, width);
        if (bias) {
            y = y + load4(bias, i, width);
        }
        store4(y, out, i, width);
        if (values) {
            quantize4(y, i < width, values, blocks, i);
        }
    }
}
