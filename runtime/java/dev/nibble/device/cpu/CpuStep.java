package dev.nibble.device.cpu;

import dev.nibble.device.Step;
import java.util.List;

/**
 * A prepared step.
 *
 * @param device where it was prepared
 * @param kernels what to run, in order
 */
record CpuStep(CpuDevice device, List<Kernel> kernels) implements Step {
    CpuStep {
        kernels = List.copyOf(kernels);
    }

    void run() {
        for (int i = 0; i < kernels.size(); i++) {
            kernels.get(i).run();
        }
    }
}
