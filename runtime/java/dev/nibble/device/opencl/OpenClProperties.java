package dev.nibble.device.opencl;

import dev.nibble.foreign.OpenClInfo;
import dev.nibble.foreign.OpenClLibrary;

/** The system properties of OpenCL devices: for tests and diagnostics, and for installations out of the ordinary. */
public final class OpenClProperties {
    /** The file of the OpenCL library, in place of the system's. */
    public static final String LIBRARY = OpenClLibrary.PROPERTY;

    /** The folder that compiled kernels are kept in; empty: nowhere. */
    public static final String CACHE = "dev.nibble.opencl.cache";

    /** The bytes that a device may allocate, if fewer than it has. */
    public static final String MEMORY = "dev.nibble.opencl.memory";

    /** {@code cpu} or {@code gpu}: the kernels of this kind of processor, whatever the device is. */
    public static final String KERNELS = "dev.nibble.opencl.kernels";

    private OpenClProperties() {}

    /** A device with the kernels that {@link #KERNELS} names. */
    static DeviceTraits withKernels(DeviceTraits device) {
        String kind = System.getProperty(KERNELS);
        return switch (kind) {
            case null -> device;
            case "cpu" -> device.with(OpenClInfo.TYPE_CPU);
            case "gpu" -> device.with(OpenClInfo.TYPE_GPU);
            default -> throw new IllegalArgumentException(KERNELS + " is cpu or gpu, not " + kind);
        };
    }
}
