package dev.nibble.foreign;

/** What can be asked of a device. Source: enum CUdevice_attribute in cuda.h, NVIDIA. */
public enum CudaAttribute {
    MAX_THREADS_PER_BLOCK(1),
    MAX_BLOCK_X(2),
    MAX_BLOCK_Y(3),
    MAX_BLOCK_Z(4),
    MAX_GRID_X(5),
    MAX_GRID_Y(6),
    MAX_GRID_Z(7),
    /** Bytes of shared memory that any kernel may use. */
    MAX_SHARED_MEMORY_PER_BLOCK(8),
    WARP_SIZE(10),
    MAX_REGISTERS_PER_BLOCK(12),
    /** In kHz. */
    CLOCK_RATE(13),
    MULTIPROCESSOR_COUNT(16),
    /** 1 where the device has no memory of its own. */
    INTEGRATED(18),
    /** 0: any number of contexts, 2: none, 3: of one process. */
    COMPUTE_MODE(20),
    PCI_BUS_ID(33),
    PCI_DEVICE_ID(34),
    /** In kHz. */
    MEMORY_CLOCK_RATE(36),
    /** In bits. */
    MEMORY_BUS_WIDTH(37),
    L2_CACHE_SIZE(38),
    MAX_THREADS_PER_MULTIPROCESSOR(39),
    ASYNC_ENGINE_COUNT(40),
    UNIFIED_ADDRESSING(41),
    PCI_DOMAIN_ID(50),
    COMPUTE_CAPABILITY_MAJOR(75),
    COMPUTE_CAPABILITY_MINOR(76),
    MAX_SHARED_MEMORY_PER_MULTIPROCESSOR(81),
    /** Bytes of shared memory that a kernel may use after {@link CudaModules#setAttribute}. */
    MAX_SHARED_MEMORY_PER_BLOCK_OPTIN(97);

    private final int number;

    CudaAttribute(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
