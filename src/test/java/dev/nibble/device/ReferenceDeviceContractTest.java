package dev.nibble.device;

import dev.nibble.device.DeviceContract.Subject;
import org.junit.jupiter.api.Nested;

/** The reference device with int8 activations, against formulas written out in the test. */
class ReferenceDeviceContractTest {
    private static Subject subject() {
        Device device = Devices.open("reference", new DeviceOptions(2, false));
        return new Subject(device, new TextbookDevice(false), 1e-12);
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
