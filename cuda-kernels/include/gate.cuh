// The gate of a feed-forward layer.
#pragma once

// activation(x) * y. The tanh form of GELU is x * sigmoid(2u), u = sqrt(2 / pi) * (x + 0.044715 x^3).
__device__ inline float gated(float x, float y, int gelu) {
    float u = gelu ? fmaf(x * x * x, 0.044715f, x) * 1.5957691216f : x;
    return x / (1 + expf(-u)) * y;
}

__device__ inline float4 gated(float4 x, float4 y, int gelu) {
    return make_float4(gated(x.x, y.x, gelu), gated(x.y, y.y, gelu), gated(x.z, y.z, gelu), gated(x.w, y.w, gelu));
}
