package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.simulator.NeedsCudaSimulator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/** The third simulated CUDA device, which takes the kernels for compute capability 7.5, against the reference. */
@Tag("slow")
@ExtendWith(NeedsCudaSimulator.class)
class CudaTuringContractTest extends LatentContract {
    @Override
    Device device() {
        Device device = Devices.open("cuda:2", DeviceOptions.DEFAULT);
        assertTrue(device.description().contains("compute capability 7.5"), device.description());
        return device;
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
