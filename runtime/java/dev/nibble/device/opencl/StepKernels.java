package dev.nibble.device.opencl;

import java.util.List;

/** The kernels of a step, released when the step is no longer reachable or the device closes, whichever comes first. */
final class StepKernels implements Runnable {
    private final OpenClDevice device;
    private final List<Long> kernels;
    private boolean released;

    StepKernels(OpenClDevice device, List<Long> kernels) {
        this.device = device;
        this.kernels = List.copyOf(kernels);
    }

    @Override
    public void run() {
        device.locked(() -> {
            if (!released) {
                released = true;
                kernels.forEach(kernel -> device.release(device.calls()::releaseKernel, kernel));
                device.forget(this);
            }
        });
    }
}
