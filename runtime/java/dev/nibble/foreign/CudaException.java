package dev.nibble.foreign;

/** A call of the CUDA driver that returned an error. */
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The function that was called. */
    private final String call;

    /** The error code that the call returned. */
    private final int code;

    /** The driver's name of the code. */
    private final String errorName;

    /** What the driver's compiler wrote. */
    private final String log;

    CudaException(String call, int code, String errorName, String description, String log) {
        super(call + " failed with " + errorName + " (" + code + ")" + (description.isEmpty() ? "" : ": " + description)
                + (log.isEmpty() ? "" : "\n" + log));
        this.call = call;
        this.code = code;
        this.errorName = errorName;
        this.log = log;
    }

    /** The function that failed, as the driver library names it. */
    public String call() {
        return call;
    }

    /** The error code: one of {@link CudaStatus} or another one of the driver's. */
    public int code() {
        return code;
    }

    /** The name of the code, e.g. {@code CUDA_ERROR_OUT_OF_MEMORY}. */
    public String errorName() {
        return errorName;
    }

    /** What the driver's compiler wrote while it loaded a module; empty where it wrote nothing, and for other calls. */
    public String log() {
        return log;
    }

    /** Whether the device or the host has no memory left for what was asked. */
    public boolean isOutOfMemory() {
        return code == CudaStatus.OUT_OF_MEMORY;
    }

    /** Whether the context, or the whole device, is of no use any more: each later call in it fails as well. */
    public boolean isContextLost() {
        return CudaStatus.isSticky(code);
    }
}
