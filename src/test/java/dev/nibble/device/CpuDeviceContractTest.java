package dev.nibble.device;

import dev.nibble.device.DeviceContract.Subject;
import org.junit.jupiter.api.Nested;

/** The CPU device against the reference with int8 activations. */
class CpuDeviceContractTest {
    private static final double TOLERANCE = 1e-9;

    private static Subject subject() {
        Device reference = Devices.open("reference", new DeviceOptions(1, false));
        return new Subject(Devices.open("cpu", new DeviceOptions(3, false)), reference, TOLERANCE);
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
}
