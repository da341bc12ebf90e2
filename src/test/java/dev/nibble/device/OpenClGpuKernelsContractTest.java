package dev.nibble.device;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/** The kernels that GPUs run, on whatever device this machine has: PoCL runs their work-items one after another. */
@Tag("slow")
@ExtendWith(NeedsOpenCl.class)
class OpenClGpuKernelsContractTest extends WholeContract {
    private static final String KERNELS = "dev.nibble.opencl.kernels";

    @Override
    Device device() {
        System.setProperty(KERNELS, "gpu");
        try {
            return Devices.open("opencl:0", DeviceOptions.DEFAULT);
        } finally {
            System.clearProperty(KERNELS);
        }
    }

    @Override
    Device reference() {
        return Devices.open("reference", new DeviceOptions(1, false));
    }

    @Override
    double tolerance() {
        return 1e-9;
    }
}
