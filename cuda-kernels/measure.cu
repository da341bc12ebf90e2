// Reading at the greatest rate: the limit that kernels are compared with.

// Threads read neighbouring words of 16 bytes.
//   data  (count)
//   sums  (threads): what keeps the reads from being left out
extern "C" __global__ void read_all(const uint4 *data, uint4 *sums, unsigned long long count) {
    size_t threads = static_cast<size_t>(gridDim.x) * blockDim.x;
    size_t first = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    uint4 sum = make_uint4(0, 0, 0, 0);
#pragma unroll 4
    for (size_t i = first; i < count; i += threads) {
        uint4 word = data[i];
        sum.x += word.x;
        sum.y += word.y;
        sum.z += word.z;
        sum.w += word.w;
    }
    sums[first] = sum;
}
