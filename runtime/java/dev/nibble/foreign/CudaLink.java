package dev.nibble.foreign;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/** The functions of a CUDA driver, and the ways in which they are called: each has its status checked. */
final class CudaLink {
    private static final long LONGEST_TEXT = 1024;

    private final Map<CudaFunction, MemorySegment> addresses;

    CudaLink(Map<CudaFunction, MemorySegment> addresses) {
        this.addresses = addresses;
    }

    /** A call of a function at its address, which returns its status. */
    interface Call {
        int invoke(MemorySegment function) throws Throwable;
    }

    /** A call that writes a value. */
    interface Query {
        int invoke(MemorySegment function, MemorySegment value) throws Throwable;
    }

    MemorySegment address(CudaFunction function) {
        return addresses.get(function);
    }

    /** The status of a call, for those to whom some errors are answers. */
    int status(CudaFunction function, Call call) {
        try {
            return call.invoke(address(function));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(function.symbol() + " cannot throw", e);
        }
    }

    void call(CudaFunction function, Call call) {
        check(function, status(function, call));
    }

    /** A call that takes an object alone. */
    void callObject(CudaFunction function, long object) {
        call(function, address -> (int) CudaSignatures.OBJECT.invokeExact(address, object));
    }

    /** True, or false where the status is that something is not ready. */
    boolean isReady(CudaFunction function, long object) {
        int status = status(function, address -> (int) CudaSignatures.OBJECT.invokeExact(address, object));
        if (status == CudaStatus.NOT_READY) {
            return false;
        }
        check(function, status);
        return true;
    }

    int queryInt(CudaFunction function, Query query) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_INT);
            call(function, address -> query.invoke(address, value));
            return value.get(JAVA_INT, 0);
        }
    }

    /** Values shorter than a long are extended with zeros. */
    long queryLong(CudaFunction function, Query query) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_LONG);
            call(function, address -> query.invoke(address, value));
            return value.get(JAVA_LONG, 0);
        }
    }

    void check(CudaFunction function, int status) {
        check(function, status, "");
    }

    void check(CudaFunction function, int status, String log) {
        if (status != CudaStatus.SUCCESS) {
            throw new CudaException(
                    function.symbol(),
                    status,
                    text(CudaFunction.GET_ERROR_NAME, status, "unknown error"),
                    text(CudaFunction.GET_ERROR_STRING, status, ""),
                    log);
        }
    }

    /** What the driver says of an error code. */
    @SuppressWarnings("restricted") // this package is where native memory is bound
    private String text(CudaFunction function, int code, String unknown) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(ADDRESS);
            int status = status(function, address -> (int) CudaSignatures.ERROR_TEXT.invokeExact(address, code, text));
            MemorySegment found = text.get(ADDRESS, 0);
            return status != CudaStatus.SUCCESS || found.address() == 0
                    ? unknown
                    : found.reinterpret(LONGEST_TEXT).getString(0);
        }
    }
}
