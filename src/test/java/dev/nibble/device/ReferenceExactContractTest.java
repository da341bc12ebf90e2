package dev.nibble.device;

import dev.nibble.device.DeviceContract.Subject;
import org.junit.jupiter.api.Nested;

/** The reference device with float32 activations, against formulas written out in the test. */
class ReferenceExactContractTest {
    private static Device device() {
        return Devices.open("reference", new DeviceOptions(1, true));
    }

    private static Subject subject() {
        return new Subject(device(), new TextbookDevice(true), 1e-12);
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
            return ReferenceExactContractTest.device();
        }
    }
}
