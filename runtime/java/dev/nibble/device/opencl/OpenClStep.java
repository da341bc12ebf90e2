package dev.nibble.device.opencl;

import dev.nibble.device.Step;
import dev.nibble.device.kernel.Allocation;
import java.util.List;

/**
 * A prepared step.
 *
 * @param device where it was prepared
 * @param launches what to enqueue, in order
 * @param allocations the memory that it uses
 */
record OpenClStep(OpenClDevice device, List<Launch> launches, List<Allocation> allocations) implements Step {
    OpenClStep {
        launches = List.copyOf(launches);
        allocations = List.copyOf(allocations);
    }

    /** Checks that all memory is still there. */
    void checkOpen() {
        Allocation.checkOpen(allocations);
    }
}
