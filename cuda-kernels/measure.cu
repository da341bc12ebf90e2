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

#if __CUDA_ARCH__ >= 800
// Adds products of int8, (16, 32) by (32, 8), to four sums of a lane.
__device__ void multiply_add(int (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
#else
// Adds 32 times 4 products of int8 to each of the sums of a lane: as much as the other one does in a warp.
__device__ void multiply_add(int (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#pragma unroll
    for (int i = 0; i < 32; i++) {
        asm volatile("dp4a.s32.s32 %0, %1, %2, %0;" : "+r"(sums[i % 4]) : "r"(a[i / 4 % 4]), "r"(b[i / 16]));
    }
}
#endif

// Multiplies int8 at the greatest rate, with nothing read from memory: 8 * 4096 products of each warp in a round.
//   seed, rounds
//   out  (threads): what keeps the products from being left out
extern "C" __global__ __launch_bounds__(256) void multiply_all(int seed, int rounds, int *out) {
    constexpr int chains = 8;
    int sums[chains][4] = {};
    unsigned a[4];
    unsigned b[2];
    for (int i = 0; i < 4; i++) {
        a[i] = (seed + i) * (threadIdx.x + 1);
    }
    b[0] = seed + threadIdx.x;
    b[1] = seed ^ threadIdx.x;
    for (int round = 0; round < rounds; round++) {
#pragma unroll
        for (int chain = 0; chain < chains; chain++) {
            multiply_add(sums[chain], a, b);
        }
    }
    int sum = 0;
#pragma unroll
    for (int chain = 0; chain < chains; chain++) {
        sum += sums[chain][0] ^ sums[chain][1] ^ sums[chain][2] ^ sums[chain][3];
    }
    out[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}
