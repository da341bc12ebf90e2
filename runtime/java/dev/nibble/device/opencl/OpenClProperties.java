package dev.nibble.device.opencl;

import dev.nibble.foreign.OpenClLibrary;

/** The system properties of OpenCL devices: for tests and diagnostics, and for installations out of the ordinary. */
public final class OpenClProperties {
    /** The file of the OpenCL library, in place of the system's. */
    public static final String LIBRARY = OpenClLibrary.PROPERTY;

    /** The folder that compiled kernels are kept in; empty: nowhere. Without it, the system's, unless the driver keeps them. */
    public static final String CACHE = "dev.nibble.opencl.cache";

    /** The bytes that a device may allocate, if fewer than it has. */
    public static final String MEMORY = "dev.nibble.opencl.memory";

    private OpenClProperties() {}
}
