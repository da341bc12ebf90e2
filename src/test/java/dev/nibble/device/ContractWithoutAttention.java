package dev.nibble.device;

import dev.nibble.device.DeviceContract.Subject;
import org.junit.jupiter.api.Nested;

/** The contract of devices but for attention, for one kind of device, which a subclass names. */
abstract class ContractWithoutAttention {
    /** Opens the device under test. */
    abstract Device device();

    /** What results are compared with. */
    abstract Device reference();

    /** The largest normalized mean squared error of an operation. */
    abstract double tolerance();

    /** The most that a weight may take. */
    long mostBytes(WeightShape shape) {
        return (long) (1.04 * shape.bytes());
    }

    final Subject subject() {
        return new Subject(device(), reference(), tolerance());
    }

    @Nested
    class Matmul extends MatmulContract {
        Matmul() {
            super(subject());
        }
    }

    @Nested
    class Marks extends MarkContract {
        Marks() {
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
    class Choices extends ChoiceContract {
        Choices() {
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
    class SharedExperts extends SharedExpertContract {
        SharedExperts() {
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
            return ContractWithoutAttention.this.device();
        }

        @Override
        long mostBytes(WeightShape shape) {
            return ContractWithoutAttention.this.mostBytes(shape);
        }
    }
}
