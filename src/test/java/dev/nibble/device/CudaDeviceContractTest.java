package dev.nibble.device;

import org.junit.jupiter.api.extension.ExtendWith;

/** The first CUDA device of this machine against the reference; skipped where there is none. */
@ExtendWith(NeedsCuda.class)
class CudaDeviceContractTest extends LatentContract {
    @Override
    Device device() {
        return Devices.open("cuda:0", DeviceOptions.DEFAULT);
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
