package dev.nibble.foreign;

/** The error codes of the CUDA driver that callers tell apart. Source: enum cudaError_enum in cuda.h, NVIDIA. */
public final class CudaStatus {
    public static final int SUCCESS = 0;
    public static final int INVALID_VALUE = 1;
    public static final int OUT_OF_MEMORY = 2;
    public static final int NOT_INITIALIZED = 3;
    public static final int DEINITIALIZED = 4;
    public static final int NO_DEVICE = 100;
    public static final int INVALID_DEVICE = 101;
    public static final int INVALID_IMAGE = 200;
    public static final int INVALID_CONTEXT = 201;
    public static final int INVALID_PTX = 218;
    public static final int UNSUPPORTED_PTX_VERSION = 222;
    public static final int INVALID_HANDLE = 400;
    public static final int NOT_FOUND = 500;
    public static final int NOT_READY = 600;
    public static final int ILLEGAL_ADDRESS = 700;
    public static final int LAUNCH_OUT_OF_RESOURCES = 701;
    public static final int LAUNCH_TIMEOUT = 702;
    public static final int PEER_ACCESS_ALREADY_ENABLED = 704;
    public static final int PEER_ACCESS_NOT_ENABLED = 705;
    public static final int CONTEXT_IS_DESTROYED = 709;
    public static final int ASSERT = 710;
    public static final int HARDWARE_STACK_ERROR = 714;
    public static final int INVALID_PC = 718;
    public static final int LAUNCH_FAILED = 719;
    public static final int NOT_SUPPORTED = 801;
    public static final int GRAPH_EXEC_UPDATE_FAILURE = 910;
    public static final int UNKNOWN = 999;

    private static final int DEVICE_UNAVAILABLE = 46;
    private static final int ECC_UNCORRECTABLE = 214;
    private static final int NVLINK_UNCORRECTABLE = 220;

    private CudaStatus() {}

    /** Whether the error stays: the context that it happened in can only be destroyed. */
    static boolean isSticky(int code) {
        return switch (code) {
            case DEINITIALIZED,
                    DEVICE_UNAVAILABLE,
                    ECC_UNCORRECTABLE,
                    NVLINK_UNCORRECTABLE,
                    ILLEGAL_ADDRESS,
                    LAUNCH_TIMEOUT,
                    CONTEXT_IS_DESTROYED,
                    ASSERT,
                    UNKNOWN -> true;
            default -> code >= HARDWARE_STACK_ERROR && code <= LAUNCH_FAILED;
        };
    }
}
