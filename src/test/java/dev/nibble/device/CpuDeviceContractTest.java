package dev.nibble.device;

import dev.nibble.device.DeviceContract.Subject;
import org.junit.jupiter.api.Nested;

/** The CPU device against the reference with int8 activations. */
class CpuDeviceContractTest {
    private static final double TOLERANCE = 1e-9;

    private static Device device() {
        return Devices.open("cpu", new DeviceOptions(3, false));
    }

    private static Subject subject() {
        return new Subject(device(), Devices.open("reference", new DeviceOptions(1, false)), TOLERANCE);
    }

    @Nested
    class Matmul extends MatmulContract {
        Matmul() {
            super(subject());
        }
    }

    @Nested
    class Rows extends RowContract {
        Rows() {
            super(subject());
        }
    }

    @Nested
    class Experts extends ExpertContract {
        Experts() {
            super(subject());
        }
    }

    @Nested
    class Attention extends AttentionContract {
        Attention() {
            super(subject());
        }
    }

    @Nested
    class Layers extends LayerContract {
        Layers() {
            super(subject());
        }
    }

    @Nested
    class Memory extends MemoryContract {
        Memory() {
            super(subject());
        }

        @Override
        Device open() {
            return CpuDeviceContractTest.device();
        }
    }
}
