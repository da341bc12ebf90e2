package dev.nibble.device;

/** The CPU device with the kernels of the Vector API only. */
class CpuVectorKernelsContractTest extends LatentContract {
    private static final String KERNELS = "dev.nibble.cpu.kernels";

    @Override
    Device device() {
        System.setProperty(KERNELS, "vector");
        try {
            return Devices.open("cpu", new DeviceOptions(3, false));
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
