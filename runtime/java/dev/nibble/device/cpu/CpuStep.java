package dev.nibble.device.cpu;

import dev.nibble.device.Step;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A prepared step. */
final class CpuStep implements Step {
    private final CpuDevice device;
    private final Kernel[] kernels;

    /** For each kernel the next one after it that tells what it will read; after the last, the first of the next run. */
    private final WorkerPool.@Nullable Prefetch[] upcoming;

    /**
     * Makes a step.
     *
     * @param device where it was prepared
     * @param kernels what to run, in order
     */
    CpuStep(CpuDevice device, List<Kernel> kernels) {
        this.device = device;
        this.kernels = kernels.toArray(Kernel[]::new);
        this.upcoming = new WorkerPool.Prefetch[this.kernels.length];
        WorkerPool.Prefetch next = kernels.stream()
                .filter(WorkerPool.Prefetch.class::isInstance)
                .map(WorkerPool.Prefetch.class::cast)
                .findFirst()
                .orElse(null);
        for (int i = this.kernels.length - 1; i >= 0; i--) {
            upcoming[i] = next;
            if (this.kernels[i] instanceof WorkerPool.Prefetch reading) {
                next = reading;
            }
        }
    }

    CpuDevice device() {
        return device;
    }

    void run() {
        for (int i = 0; i < kernels.length; i++) {
            device.pool().announce(upcoming[i]);
            kernels[i].run();
        }
    }
}
