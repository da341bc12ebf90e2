package dev.nibble.foreign;

/** An OpenCL call that returned an error. */
public final class OpenClException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The error code that the call returned. */
    private final int code;

    OpenClException(String call, int code) {
        super(call + " failed with " + OpenClStatus.name(code) + " (" + code + ")");
        this.code = code;
    }

    /** The error code. */
    public int code() {
        return code;
    }

    /** Whether the device or the host has no memory left for what was asked. */
    public boolean isOutOfMemory() {
        return code == OpenClStatus.MEM_OBJECT_ALLOCATION_FAILURE
                || code == OpenClStatus.OUT_OF_RESOURCES
                || code == OpenClStatus.OUT_OF_HOST_MEMORY
                || code == OpenClStatus.INVALID_BUFFER_SIZE;
    }

    /** Whether a program did not compile or link: its build log tells more. */
    public boolean isBuildFailure() {
        return code == OpenClStatus.BUILD_PROGRAM_FAILURE;
    }
}
