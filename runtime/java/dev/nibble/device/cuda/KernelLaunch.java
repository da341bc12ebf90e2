package dev.nibble.device.cuda;

import dev.nibble.foreign.CudaGrid;
import dev.nibble.foreign.CudaLaunch;

/**
 * A kernel with its arguments and sizes, ready to be enqueued.
 *
 * @param name of the kernel
 * @param call what the driver needs
 */
record KernelLaunch(String name, CudaLaunch call) {
    /** The kernel and its sizes, for messages. */
    String describe() {
        return name + " of " + text(call.grid()) + " blocks of " + text(call.block()) + " threads";
    }

    private static String text(CudaGrid grid) {
        return grid.x() + " x " + grid.y() + " x " + grid.z();
    }
}
