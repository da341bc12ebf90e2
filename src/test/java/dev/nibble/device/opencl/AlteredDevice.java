package dev.nibble.device.opencl;

import dev.nibble.device.Device;
import dev.nibble.foreign.OpenClInfo;
import java.util.List;

/** The first OpenCL device of this machine, taken for another one: what kernels then run must not depend on what it really is. */
public final class AlteredDevice {
    private AlteredDevice() {}

    /** As a GPU with memory of its own. */
    public static Device gpu() {
        return open(OpenClInfo.TYPE_GPU, false, Long.MAX_VALUE);
    }

    /** With a limit on the bytes of an allocation. */
    public static Device ofSmallAllocations(long most) {
        return open(OpenClInfo.TYPE_CPU, true, most);
    }

    private static Device open(long type, boolean unified, long largest) {
        OpenClPlatforms system = OpenClPlatforms.system();
        DeviceTraits real = system.devices().getFirst();
        DeviceTraits altered = new DeviceTraits(
                real.id(),
                real.platform(),
                real.name(),
                real.platformName(),
                real.version(),
                real.driver(),
                type,
                real.computeUnits(),
                real.mostWorkItems(),
                real.memory(),
                Math.min(largest, real.largestAllocation()),
                real.localMemory(),
                type == OpenClInfo.TYPE_GPU,
                unified,
                real.exactDivision(),
                real.extensions());
        return OpenClDevice.open(new OpenClPlatforms(system.calls(), List.of(altered), ""), 0);
    }
}
