package dev.nibble.device.opencl;

import java.util.List;

/** A buffer, weight or cache of this kind of device. */
interface OpenClPart extends AutoCloseable {
    /** All device memory that it takes. */
    List<OpenClAllocation> allocations();
}
