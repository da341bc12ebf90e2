/* Instructions of tensor cores on bytes, and asynchronous copies to shared memory: compute capability 8.0. */
#pragma once

/* The address of shared memory as instructions take it. */
__device__ inline unsigned shared_address(const void* pointer) {
    return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

/* Copies 16 bytes to shared memory, without a place in the first cache. */
__device__ inline void copy_16(void* to, const void* from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory");
}

/* Ends a group of copies, perhaps an empty one. */
__device__ inline void end_copies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Waits for this thread's copies, but for those of the last `pending` groups. */
template <int pending>
__device__ inline void await_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

/* Reads four matrices of 8 rows of 16 bytes; each group of 8 lanes has the addresses of one. A lane gets word lane % 4 of row lane / 4. */
__device__ inline void load_matrices(unsigned address, unsigned (&to)[4]) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
}

/* The same of two matrices; what lanes from 16 on have is not used. */
__device__ inline void load_two_matrices(unsigned address, unsigned (&to)[4]) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];" : "=r"(to[0]), "=r"(to[1]) : "r"(address) : "memory");
}

/*
 * 16 rows of 32 signed bytes times 8 columns of as many: to = a * b + start. A lane has, of rows lane / 4 and 8 + lane / 4, word lane % 4
 * of the first and of the last 16 bytes, of column lane / 4 the same, and of the results columns 2 * (lane % 4) and the next.
 */
__device__ inline void multiply_32(const unsigned (&first)[2], const unsigned (&last)[2], unsigned b0, unsigned b1, int2 start, int (&to)[4]) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %10, %11};"
        : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
        : "r"(first[0]), "r"(first[1]), "r"(last[0]), "r"(last[1]), "r"(b0), "r"(b1), "r"(start.x), "r"(start.y));
}

/* The same of 16 bytes. */
__device__ inline void multiply_16(const unsigned (&a)[2], unsigned b, int2 start, int (&to)[4]) {
    asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %8, %7, %8};"
        : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
        : "r"(a[0]), "r"(a[1]), "r"(b), "r"(start.x), "r"(start.y));
}
