package dev.nibble.device.opencl;

import dev.nibble.device.Step;
import java.util.List;

/**
 * A prepared step.
 *
 * @param device where it was prepared
 * @param launches what to enqueue, in order
 * @param allocations the memory that it uses
 */
record OpenClStep(OpenClDevice device, List<Launch> launches, List<OpenClAllocation> allocations) implements Step {
    OpenClStep {
        launches = List.copyOf(launches);
        allocations = List.copyOf(allocations);
    }

    /** Checks that all memory is still there. */
    void checkOpen() {
        for (int i = 0; i < allocations.size(); i++) {
            if (allocations.get(i).isClosed()) {
                throw new IllegalStateException("a buffer, weight or cache that the step uses is closed");
            }
        }
    }
}
