// Instructions of tensor cores, and copies to shared memory that a thread need not wait for: compute capability 8.0 and above.
//
// A product of matrices D = A B + C is (16, 8) = (16, depth) (depth, 8) + (16, 8). Of C and D, a lane has row lane / 4, columns
// 2 * (lane % 4) and the next, then the same of row lane / 4 + 8. Registers of A and B hold neighbours along the depth: two numbers of
// 16 bits, or four of 8. In its first half of the depth, a lane has place lane % 4, in row lane / 4 of A, in row lane / 4 + 8, and in
// column lane / 4 of B; then the same in the second half.
#pragma once

struct HalfPairs {};
struct BfloatPairs {};

__device__ inline unsigned shared_address(const void *at) {
    return static_cast<unsigned>(__cvta_generic_to_shared(at));
}

// Four matrices of 8 rows of 16 bytes; lanes 8 m to 8 m + 7 have the addresses of matrix m. A lane gets of each the word lane % 4 of
// row lane / 4.
__device__ inline void load_matrices(unsigned address, unsigned (&out)[4]) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address)
                 : "memory");
}

// The same of matrices of numbers of 16 bits, turned over: a lane gets column lane / 4 in rows 2 * (lane % 4) and the next.
__device__ inline void load_turned_matrices(unsigned address, unsigned (&out)[4]) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address)
                 : "memory");
}

// Depth 16.
__device__ inline void multiply(HalfPairs, float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ inline void multiply(BfloatPairs, float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Depth 32, of signed bytes.
__device__ inline void multiply(int (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Begins a copy of 16 bytes from global memory, of which only `bytes` are read, the others being zero.
__device__ inline void begin_copy(unsigned to, const void *from, int bytes) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
}

// Waits for all copies that this thread began. Other threads see them behind a barrier.
__device__ inline void end_copies() {
    asm volatile("cp.async.wait_all;" ::: "memory");
}

// Two floats as the sums of two numbers of 16 bits each, a large and a small one: all but the last two of their 24 bits.
__device__ inline void split(HalfPairs, float x, float y, unsigned &large, unsigned &small) {
    float2 back;
    asm("cvt.rn.f16x2.f32 %0,%1,%2;" : "=r"(large) : "f"(y), "f"(x));
    asm("{.reg .b16 a,b;mov.b32 {a,b},%2;cvt.f32.f16 %0,a;cvt.f32.f16 %1,b;}" : "=f"(back.x), "=f"(back.y) : "r"(large));
    asm("cvt.rn.f16x2.f32 %0,%1,%2;" : "=r"(small) : "f"(y - back.y), "f"(x - back.x));
}

// The same with the range of floats, and 16 of their 24 bits.
__device__ inline void split(BfloatPairs, float x, float y, unsigned &large, unsigned &small) {
    unsigned x_bits = __float_as_uint(x);
    unsigned y_bits = __float_as_uint(y);
    large = __byte_perm(x_bits, y_bits, 0x7632);
    float x_rest = x - __uint_as_float(x_bits & 0xffff0000);
    float y_rest = y - __uint_as_float(y_bits & 0xffff0000);
    asm("cvt.rn.bf16x2.f32 %0,%1,%2;" : "=r"(small) : "f"(y_rest), "f"(x_rest));
}
