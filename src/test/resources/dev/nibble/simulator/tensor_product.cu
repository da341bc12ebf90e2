// A product as tensor cores compute it, for a test of the CUDA simulator: nvcc -arch=compute_80 -ptx tensor_product.cu
#include <cstdint>

// One warp: d (16, 8) = a (16, 32) b, b as (8, 32) of columns, c = 1. Copies to shared memory in two groups, then ldmatrix and mma.
extern "C" __global__ void tensor_product(int* d, const int8_t* a, const int8_t* b) {
    __shared__ alignas(16) int8_t tile_a[16 * 32];
    __shared__ alignas(16) int8_t tile_b[8 * 32];
    const int lane = threadIdx.x;
    const auto to_a = static_cast<unsigned>(__cvta_generic_to_shared(tile_a));
    const auto to_b = static_cast<unsigned>(__cvta_generic_to_shared(tile_b));
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;" ::"r"(to_a + lane * 16), "l"(a + lane * 16) : "memory");
    asm volatile("cp.async.commit_group;" ::: "memory");
    const int bytes = lane < 31 ? 8 : 4;  // the last four bytes are zeros
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(to_b + lane * 8), "l"(b + lane * 8), "r"(bytes) : "memory");
    asm volatile("cp.async.commit_group;" ::: "memory");
    asm volatile("cp.async.wait_group %0;" ::"n"(0) : "memory");
    __syncthreads();
    unsigned x[4];
    unsigned y[2];
    const unsigned row_a = to_a + lane % 16 * 32 + lane / 16 * 16;
    const unsigned row_b = to_b + lane % 8 * 32 + lane / 8 % 2 * 16;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(row_a));
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];" : "=r"(y[0]), "=r"(y[1]) : "r"(row_b));
    int sum[4] = {1, 1, 1, 1};
    asm volatile(
        "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
        : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]));
    for (int i = 0; i < 4; i++) {
        d[(lane / 4 + 8 * (i / 2)) * 8 + lane % 4 * 2 + i % 2] = sum[i];
    }
}
