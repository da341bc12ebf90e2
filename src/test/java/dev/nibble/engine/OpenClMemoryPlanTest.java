package dev.nibble.engine;

import dev.nibble.device.Device;
import dev.nibble.device.NeedsOpenCl;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/** Memory of OpenCL devices. */
@Tag("slow")
@ExtendWith(NeedsOpenCl.class)
class OpenClMemoryPlanTest extends MemoryPlanContract {
    @Override
    String kind() {
        return "opencl";
    }

    @Override
    long taken(List<Device> devices) {
        return -devices.stream().mapToLong(Device::freeMemory).sum();
    }

    /** What copies go through. */
    @Override
    long takenBefore() {
        return 4 << 20;
    }
}
