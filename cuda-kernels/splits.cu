// What the parts of an attention found, put together.

#include "activations.cuh"

constexpr int THREADS = 128;

// Of a part that saw no token; no score is as low.
constexpr float LEAST = -1e30f;

// Four neighbouring values of a lane, summed up over the splits, each by its factor; lanes keep the factors of as many splits as they are.
__device__ float4 weighted_sum(const float *partials, int splits, int value_size, float most, int i) {
    int stride = value_size + 2;
    int lane = threadIdx.x % WARP;
    float sums[4] = {};
    for (int first = 0; first < splits; first += WARP) {
        bool is = first + lane < splits;
        float factor = is ? expf(partials[(first + lane) * stride + value_size] - most) : 0;
        int count = min(WARP, splits - first);
#pragma unroll 4
        for (int split = 0; split < count; split++) {
            float its = __shfl_sync(ALL_LANES, factor, split);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                float value = i + j < value_size ? partials[(first + split) * stride + i + j] : 0;
                sums[j] = fmaf(its, value, sums[j]);
            }
        }
    }
    return make_float4(sums[0], sums[1], sums[2], sums[3]);
}

// Merges what the splits of a row and head found, and quantizes that where it is wanted. A warp takes 128 values at a time. Blocks of 128
// threads (heads, n).
//   live     (1)
//   partials (n, heads, splits, value_size + 2): sums, the largest score, the total
//   sinks    (heads) or null
//   out      (n, heads, value_size)
//   values   (n, heads, value_size) or null; then value_size is a multiple of 32
//   blocks   (n, heads, value_size / 32) or null
extern "C" __global__ void __launch_bounds__(THREADS) combine_splits(const int *live, const float *partials, int splits, int heads,
        int value_size, const float *sinks, float *out, signed char *values, int2 *blocks) {
    int head = blockIdx.x;
    int row = blockIdx.y;
    int begin = threadIdx.x / WARP * WARP * 4;
    if (row >= *live || begin >= value_size) {
        return;
    }
    size_t place = static_cast<size_t>(row) * heads + head;
    partials += place * splits * (value_size + 2);
    int lane = threadIdx.x % WARP;
    float most = sinks ? sinks[head] : LEAST;
    for (int split = lane; split < splits; split += WARP) {
        most = fmaxf(most, partials[split * (value_size + 2) + value_size]);
    }
    most = warp_max(most);
    float all = 0;
    for (int split = lane; split < splits; split += WARP) {
        const float *its = partials + split * (value_size + 2) + value_size;
        all = fmaf(expf(its[0] - most), its[1], all);
    }
    all = warp_sum(all) + (sinks ? expf(sinks[head] - most) : 0);
    for (; begin < value_size; begin += 4 * THREADS) {
        int i = begin + 4 * lane;
        float4 sum = weighted_sum(partials, splits, value_size, most, i);
        float4 y = make_float4(sum.x / all, sum.y / all, sum.z / all, sum.w / all);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            if (i + j < value_size) {
                out[place * value_size + i + j] = (&y.x)[j];
            }
        }
        if (values) {
            quantize4(y, i < value_size, values + place * value_size, blocks + place * value_size / 32, i);
        }
    }
}
