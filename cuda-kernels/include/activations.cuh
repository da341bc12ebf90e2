// Activations quantized to int8 in blocks of 32. Each step is rounded by itself: the integers are the same on all devices.
#pragma once

#include "reductions.cuh"

__device__ inline float inverse_of(float most) {
    return most == 0 ? 0 : __fdiv_rn(127, most);
}

__device__ inline int quantized(float x, float inverse) {
    return static_cast<int>(__fadd_rn(__fmul_rn(x, inverse), 128.5f)) - 128;
}

// Quantizes four values of each thread, those from i on: eight neighbouring threads do a block. All threads of a warp call it; what lies
// beyond the row is not `inside`. Beside the values of a block stand its scale, and the sums of its first and of its last 16 values,
// 16 bits each.
__device__ inline void quantize4(float4 x, bool inside, signed char *values, int2 *blocks, int i) {
    float most = fmaxf(fmaxf(fabsf(x.x), fabsf(x.y)), fmaxf(fabsf(x.z), fabsf(x.w)));
    for (int step = 1; step < 8; step *= 2) {
        most = fmaxf(most, __shfl_xor_sync(ALL_LANES, most, step));
    }
    float inverse = inverse_of(most);
    int a = quantized(x.x, inverse);
    int b = quantized(x.y, inverse);
    int c = quantized(x.z, inverse);
    int d = quantized(x.w, inverse);
    int sum = a + b + c + d;
    sum += __shfl_xor_sync(ALL_LANES, sum, 1);
    sum += __shfl_xor_sync(ALL_LANES, sum, 2);
    int last = __shfl_xor_sync(ALL_LANES, sum, 4);
    if (inside) {
        *reinterpret_cast<char4 *>(values + i) = make_char4(a, b, c, d);
        if (i % 32 == 0) {
            blocks[i / 32] = make_int2(__float_as_int(__fdiv_rn(most, 127)), (sum & 0xffff) | last << 16);
        }
    }
}
