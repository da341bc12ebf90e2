package dev.nibble.device.cuda;

import dev.nibble.device.Step;
import dev.nibble.device.kernel.Allocation;
import java.util.List;

/**
 * A prepared step. The first time its kernels are launched one by one; from the second time on it is one graph, which is captured then:
 * a step that is run once is not worth one. Used by the thread that holds the device's lock.
 */
final class CudaStep implements Step {
    private final CudaDevice device;
    private final List<KernelLaunch> launches;
    private final List<Allocation> allocations;
    private boolean known;

    /** What is replayed, 0 as long as there is none. */
    private long execution;

    /**
     * Makes a step.
     *
     * @param device where it was prepared
     * @param launches what to enqueue, in order
     * @param allocations the memory that it uses
     */
    CudaStep(CudaDevice device, List<KernelLaunch> launches, List<Allocation> allocations) {
        this.device = device;
        this.launches = List.copyOf(launches);
        this.allocations = List.copyOf(allocations);
    }

    CudaDevice device() {
        return device;
    }

    /** What is enqueued, in order. */
    List<KernelLaunch> launches() {
        return launches;
    }

    /** Enqueues it. */
    void enqueue(long stream) {
        Allocation.checkOpen(allocations);
        StepGraphs graphs = device.graphs();
        if (known && execution == 0) {
            execution = graphs.capture(launches);
        }
        known = true;
        if (execution != 0) {
            graphs.launch(execution, launches, stream);
            return;
        }
        for (int i = 0; i < launches.size(); i++) {
            device.launch(launches.get(i), stream);
        }
    }

    /** Lets go of the graph. */
    @Override
    public void close() {
        device.access().locked(() -> {
            device.graphs().destroy(execution);
            execution = 0;
            known = false;
        });
    }
}
