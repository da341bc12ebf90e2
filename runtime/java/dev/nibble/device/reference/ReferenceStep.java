package dev.nibble.device.reference;

import dev.nibble.device.Operation;
import dev.nibble.device.Step;
import java.util.List;

/** The operations, one after another. Checks that all they use belongs to the device. */
record ReferenceStep(ReferenceDevice device, List<Operation> operations) implements Step {
    ReferenceStep {
        operations = List.copyOf(operations);
        for (Operation operation : operations) {
            operation.parts().forEach(device::own);
        }
    }
}
