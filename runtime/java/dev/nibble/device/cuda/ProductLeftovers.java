package dev.nibble.device.cuda;

import dev.nibble.device.kernel.Allocation;

/**
 * What blocks of threads that share rows of weights leave for each other.
 *
 * @param sums of products
 * @param arrived counters, which are zero between launches
 */
record ProductLeftovers(Allocation sums, Allocation arrived) {
    /** Bytes that this takes of a device, for launches of any size. */
    static long bytes(CudaTraits device) {
        return TensorShape.leftoverBytes(device) + TensorShape.counterBytes(device);
    }

    static ProductLeftovers allocate(CudaDevice device) {
        String what = "sums that blocks of threads share";
        Allocation sums = device.memory().allocate(TensorShape.leftoverBytes(device.traits()), what);
        try {
            Allocation arrived = device.memory().allocate(TensorShape.counterBytes(device.traits()), what);
            device.queue().fill(arrived, 0);
            return new ProductLeftovers(sums, arrived);
        } catch (RuntimeException | Error e) {
            sums.close();
            throw e;
        }
    }
}
