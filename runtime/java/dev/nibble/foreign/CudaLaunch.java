package dev.nibble.foreign;

import java.lang.foreign.MemorySegment;

/**
 * The launch of a kernel.
 *
 * @param function as {@link CudaModules#function} gave it
 * @param grid blocks in each dimension
 * @param block threads in each dimension of a block
 * @param dynamicShared bytes of shared memory beside what the kernel declares
 * @param arguments native memory: an array of pointers, one to the value of each argument
 */
public record CudaLaunch(long function, CudaGrid grid, CudaGrid block, int dynamicShared, MemorySegment arguments) {}
