package dev.nibble.device;

import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The first OpenCL device of this machine against the reference; skipped where there is none. {@link OpenClAttentionContractTest} has
 * the rest.
 */
@ExtendWith(NeedsOpenCl.class)
class OpenClDeviceContractTest extends ContractWithoutAttention {
    @Override
    Device device() {
        return Devices.open("opencl:0", DeviceOptions.DEFAULT);
    }

    @Override
    Device reference() {
        return Devices.open("reference", new DeviceOptions(1, false));
    }

    @Override
    double tolerance() {
        return 1e-9;
    }

    @Override
    long mostBytes(WeightShape shape) {
        return (long) (1.03 * shape.bytes());
    }
}
