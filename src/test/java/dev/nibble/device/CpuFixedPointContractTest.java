package dev.nibble.device;

import dev.nibble.device.DeviceContract.Subject;
import org.junit.jupiter.api.Nested;

/** Linear layers in integers on the CPU device and on the reference: the same to the last bit. */
class CpuFixedPointContractTest {
    private static Device device() {
        return Devices.open("cpu", new DeviceOptions(3, Arithmetic.FIXED_POINT));
    }

    private static Subject subject() {
        return new Subject(device(), Devices.open("reference", new DeviceOptions(1, Arithmetic.FIXED_POINT)), 1e-9, 0);
    }

    @Nested
    class Matmul extends MatmulContract {
        Matmul() {
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
    class Memory extends MemoryContract {
        Memory() {
            super(subject());
        }

        @Override
        Device open() {
            return CpuFixedPointContractTest.device();
        }

        /** A byte for each weight, and a few numbers for each row. */
        @Override
        long mostBytes(WeightShape shape) {
            return (long) (1.04 * shape.values());
        }
    }
}
