package dev.nibble.device.opencl;

import dev.nibble.foreign.OpenCl;
import dev.nibble.foreign.OpenClException;
import dev.nibble.foreign.OpenClInfo;
import dev.nibble.foreign.OpenClLibrary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The devices that an OpenCL library finds, or the reason why there are none.
 *
 * @param calls the library; null if there is none
 * @param devices of all platforms, in the library's order
 * @param missing why there are none and what to do about it; empty if there are some
 */
record OpenClPlatforms(@Nullable OpenCl calls, List<DeviceTraits> devices, String missing) {
    /** What the system's library finds, looked up once. */
    static OpenClPlatforms system() {
        return Holder.SYSTEM;
    }

    static OpenClPlatforms of(OpenClLibrary library) {
        OpenCl calls = library.calls();
        if (calls == null) {
            return new OpenClPlatforms(null, List.of(), library.missing());
        }
        try {
            return of(calls);
        } catch (OpenClException e) {
            return new OpenClPlatforms(
                    null, List.of(), "the OpenCL driver does not work: " + e.getMessage() + "; install it anew");
        }
    }

    private static OpenClPlatforms of(OpenCl calls) {
        long[] platforms = calls.platforms();
        if (platforms.length == 0) {
            return new OpenClPlatforms(
                    null,
                    List.of(),
                    "the OpenCL library finds no driver; install that of your device, or for the CPU"
                            + " pocl-opencl-icd");
        }
        List<DeviceTraits> devices = new ArrayList<>();
        for (long platform : platforms) {
            Arrays.stream(calls.devices(platform))
                    .filter(device -> isUsable(calls, device))
                    .mapToObj(device -> DeviceTraits.of(calls, device))
                    .forEach(devices::add);
        }
        return devices.isEmpty()
                ? new OpenClPlatforms(null, List.of(), "the OpenCL drivers find no device that can run kernels")
                : new OpenClPlatforms(calls, List.copyOf(devices), "");
    }

    private static boolean isUsable(OpenCl calls, long device) {
        return calls.deviceInfo(device, OpenClInfo.DEVICE_AVAILABLE).integer() != 0
                && calls.deviceInfo(device, OpenClInfo.DEVICE_COMPILER_AVAILABLE)
                                .integer()
                        != 0;
    }

    private static final class Holder {
        static final OpenClPlatforms SYSTEM = of(OpenClLibrary.system());
    }
}
