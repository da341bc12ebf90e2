package dev.nibble.device.cuda;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.foreign.Cuda;
import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaLibrary;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The devices that a CUDA driver finds, or the reason why none can be used.
 *
 * @param calls the driver; null if there is none
 * @param devices all of them, also those that cannot be used, in the driver's order
 * @param missing why none can be used and what to do about it; empty if one can
 */
record CudaPlatform(@Nullable Cuda calls, List<CudaTraits> devices, String missing) {
    /** What the system's driver finds, looked up once. */
    static CudaPlatform system() {
        return Holder.SYSTEM;
    }

    static CudaPlatform of(CudaLibrary library) {
        Cuda calls = library.calls();
        if (calls == null) {
            return new CudaPlatform(null, List.of(), library.missing());
        }
        try {
            List<CudaTraits> devices = IntStream.range(0, calls.devices().count())
                    .mapToObj(ordinal -> CudaTraits.of(calls, ordinal, library.simulated()))
                    .toList();
            return of(calls, devices);
        } catch (CudaException e) {
            return new CudaPlatform(
                    null, List.of(), "the CUDA driver does not work: " + e.getMessage() + "; install it anew");
        }
    }

    /** A driver with these devices. */
    static CudaPlatform of(@Nullable Cuda calls, List<CudaTraits> devices) {
        return new CudaPlatform(calls, devices, refusals(devices));
    }

    /**
     * The driver.
     *
     * @throws UnsupportedFeatureException if it has no device that can be used
     */
    Cuda driver() {
        if (calls == null || !missing.isEmpty()) {
            throw new UnsupportedFeatureException("device cuda: " + missing);
        }
        return calls;
    }

    /**
     * The device of a context.
     *
     * @throws UnsupportedFeatureException if it cannot be used
     */
    CudaTraits of(long context) {
        driver().contexts().push(context);
        int id;
        try {
            id = driver().contexts().device();
        } finally {
            driver().contexts().pop();
        }
        return devices.stream()
                .filter(device -> device.id() == id)
                .findFirst()
                .orElseThrow()
                .usable();
    }

    /** Why no device can be used; empty if one can. */
    private static String refusals(List<CudaTraits> devices) {
        return devices.stream().anyMatch(device -> device.refusal().isEmpty())
                ? ""
                : devices.stream()
                        .map(device ->
                                device.describe() + ": " + device.refusal().orElseThrow())
                        .collect(Collectors.joining("; "));
    }

    private static final class Holder {
        static final CudaPlatform SYSTEM = of(CudaLibrary.system());
    }
}
