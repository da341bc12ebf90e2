package dev.nibble.device;

/** The CPU device against the reference with int8 activations, with native kernels where they are. */
class CpuDeviceContractTest extends LatentContract {
    @Override
    Device device() {
        return Devices.open("cpu", new DeviceOptions(3, false));
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
