package dev.nibble.device.cuda;

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
record CudaStep(CudaDevice device, List<KernelLaunch> launches, List<Allocation> allocations) implements Step {
    CudaStep {
        launches = List.copyOf(launches);
        allocations = List.copyOf(allocations);
    }

    /** Checks that all memory is still there. */
    void checkOpen() {
        Allocation.checkOpen(allocations);
    }
}
