package dev.nibble.device.opencl;

import dev.nibble.foreign.OpenCl;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The contexts that this program made: one for all devices of a platform, so that they can copy to each other. */
final class OpenClContext {
    private static final Map<List<Long>, Long> CONTEXTS = new HashMap<>();
    private static final Map<Long, Integer> OWNERS = new HashMap<>();

    private OpenClContext() {}

    /**
     * The context of a device; the caller {@linkplain #release releases} it.
     *
     * <p>Drivers reserve memory when a buffer is first used, on the device that uses it, but for NVIDIA's, which reserves it on all
     * devices of the context: there each device has a context of its own.
     */
    static synchronized long acquire(OpenCl calls, DeviceTraits device, List<DeviceTraits> all) {
        boolean own = device.platformName().contains("NVIDIA");
        List<Long> ids = all.stream()
                .filter(other -> own ? other.id() == device.id() : other.platform() == device.platform())
                .map(DeviceTraits::id)
                .toList();
        long context = CONTEXTS.computeIfAbsent(
                ids,
                key -> calls.createContext(
                        key.stream().mapToLong(Long::longValue).toArray()));
        OWNERS.merge(context, 1, Integer::sum);
        return context;
    }

    /** Lets go of a context that {@link #acquire} gave; the last one destroys it. */
    static synchronized void release(OpenCl calls, long context) {
        if (OWNERS.merge(context, -1, Integer::sum) == 0) {
            OWNERS.remove(context);
            CONTEXTS.values().remove(context);
            calls.releaseContext(context);
        }
    }
}
