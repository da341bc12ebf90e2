/* Asynchronous copies to shared memory in groups, which a thread waits for one after the other: compute capability 8.0. */
#pragma once
#include "tensor_cores.cuh"

/* Copies 16 bytes to shared memory, without a place in the first cache. */
__device__ inline void copy_16(void* to, const void* from) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared_address(to)), "l"(from) : "memory");
}

/* Ends a group of copies, perhaps an empty one. */
__device__ inline void end_group() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Waits for this thread's copies, but for those of the last `pending` groups. */
template <int pending>
__device__ inline void await_groups() {
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}
