package dev.nibble.device.kernel;

import java.util.List;

/** A buffer, weight or cache of a device. */
public interface KernelPart extends AutoCloseable {
    /** All device memory that it takes. */
    List<Allocation> allocations();
}
