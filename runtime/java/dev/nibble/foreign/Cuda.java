package dev.nibble.foreign;

import java.lang.foreign.MemorySegment;
import java.util.Map;

/**
 * The calls of a CUDA driver, one method each. Objects (contexts, streams, events, modules, functions, graphs) are handles as the
 * driver gives them, device memory is an address: both as longs; a device is its ordinal's handle, an int. Each call's status is
 * checked: an error becomes a {@link CudaException} that names the call.
 *
 * <p>Source: the CUDA driver API reference, NVIDIA.
 *
 * @param version the newest CUDA that the driver serves: 1000 · major + 10 · minor
 */
public record Cuda(
        int version,
        CudaDevices devices,
        CudaContexts contexts,
        CudaStreams streams,
        CudaMemory memory,
        CudaModules modules,
        CudaGraphs graphs) {

    Cuda(int version, CudaLink link) {
        this(
                version,
                new CudaDevices(link),
                new CudaContexts(link),
                new CudaStreams(link),
                new CudaMemory(link),
                new CudaModules(link),
                new CudaGraphs(link));
    }

    /** Starts the driver and asks for its version. */
    static Cuda start(Map<CudaFunction, MemorySegment> functions) {
        CudaLink link = new CudaLink(functions);
        link.call(CudaFunction.INIT, address -> (int) CudaSignatures.INT.invokeExact(address, 0));
        int version = link.queryInt(CudaFunction.DRIVER_GET_VERSION, (address, value) ->
                (int) CudaSignatures.RESULT.invokeExact(address, value));
        return new Cuda(version, link);
    }

    /** A version as people write it, e.g. {@code 12.8}. */
    public static String text(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }
}
