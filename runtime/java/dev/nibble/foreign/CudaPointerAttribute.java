package dev.nibble.foreign;

/** What can be asked of an address. Source: enum CUpointer_attribute in cuda.h, NVIDIA. */
public enum CudaPointerAttribute {
    /** The context that it was allocated in. */
    CONTEXT(1),
    /** {@link CudaMemory#HOST} or {@link CudaMemory#DEVICE}. */
    MEMORY_TYPE(2),
    /** The address that kernels use. */
    DEVICE_POINTER(3),
    /** The address that the host uses. */
    HOST_POINTER(4),
    DEVICE_ORDINAL(9),
    /** Where the allocation that holds the address starts. */
    RANGE_START(11),
    /** The size of the allocation that holds the address. */
    RANGE_SIZE(12);

    private final int number;

    CudaPointerAttribute(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
