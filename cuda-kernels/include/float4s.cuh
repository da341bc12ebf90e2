// Four neighbouring values of a row of `width`: at once where rows are multiples of four, one by one elsewhere.
#pragma once

// Values from the width on are zero.
__device__ inline float4 load4(const float *x, int i, int width) {
    if (width % 4 == 0) {
        return i < width ? *reinterpret_cast<const float4 *>(x + i) : make_float4(0, 0, 0, 0);
    }
    return make_float4(
            i < width ? x[i] : 0, i + 1 < width ? x[i + 1] : 0, i + 2 < width ? x[i + 2] : 0, i + 3 < width ? x[i + 3] : 0);
}

// Values from the width on are left out.
__device__ inline void store4(float4 value, float *x, int i, int width) {
    if (width % 4 == 0) {
        if (i < width) {
            *reinterpret_cast<float4 *>(x + i) = value;
        }
        return;
    }
    if (i < width) {
        x[i] = value.x;
    }
    if (i + 1 < width) {
        x[i + 1] = value.y;
    }
    if (i + 2 < width) {
        x[i + 2] = value.z;
    }
    if (i + 3 < width) {
        x[i + 3] = value.w;
    }
}

__device__ inline float4 operator+(float4 a, float4 b) {
    return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

__device__ inline float4 operator-(float4 a, float b) {
    return make_float4(a.x - b, a.y - b, a.z - b, a.w - b);
}

__device__ inline float4 operator*(float4 a, float4 b) {
    return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w);
}

__device__ inline float4 operator*(float4 a, float b) {
    return make_float4(a.x * b, a.y * b, a.z * b, a.w * b);
}

__device__ inline float total(float4 a) {
    return (a.x + a.z) + (a.y + a.w);
}
