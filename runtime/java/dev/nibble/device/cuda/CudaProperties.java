package dev.nibble.device.cuda;

import dev.nibble.foreign.CudaLibrary;

/** The system properties of CUDA devices: for tests and diagnostics, and for installations out of the ordinary. */
public final class CudaProperties {
    /** The file of the driver library, in place of the system's. */
    public static final String LIBRARY = CudaLibrary.PROPERTY;

    /** The bytes that a device may allocate, if fewer than it has. */
    public static final String MEMORY = "dev.nibble.cuda.memory";

    /**
     * {@code off}: the kernels of a step are always launched one by one, not as a graph. With {@code CUDA_LAUNCH_BLOCKING=1} in the
     * environment, the kernel that a device fails in is then named.
     */
    public static final String GRAPHS = "dev.nibble.cuda.graphs";

    /** From how many rows of activations on tensor cores multiply them, in place of a measurement. */
    public static final String TENSOR_ROWS = "dev.nibble.cuda.tensorRows";

    /** The seconds for which a device waits for another one that has a part of the same layers, before that counts as failed. */
    public static final String PEER_SECONDS = "dev.nibble.cuda.peerSeconds";

    private CudaProperties() {}
}
