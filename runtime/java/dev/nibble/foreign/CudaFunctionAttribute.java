package dev.nibble.foreign;

/** What can be asked of a function, and of some also chosen. Source: enum CUfunction_attribute in cuda.h, NVIDIA. */
public enum CudaFunctionAttribute {
    MAX_THREADS_PER_BLOCK(0),
    /** Shared memory that the kernel declares, in bytes. */
    SHARED_SIZE_BYTES(1),
    CONST_SIZE_BYTES(2),
    /** Memory of each thread's own, where registers spill to. */
    LOCAL_SIZE_BYTES(3),
    NUM_REGS(4),
    PTX_VERSION(5),
    BINARY_VERSION(6),
    /** The most dynamic shared memory that a launch may ask for; may be chosen. */
    MAX_DYNAMIC_SHARED_SIZE_BYTES(8),
    /** The part of the first-level cache to be shared memory, in percent; may be chosen. */
    PREFERRED_SHARED_MEMORY_CARVEOUT(9);

    private final int number;

    CudaFunctionAttribute(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
