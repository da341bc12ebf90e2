package dev.nibble.device.opencl;

import dev.nibble.foreign.OpenCl;
import dev.nibble.foreign.OpenClInfo;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a device says of itself.
 *
 * @param id its handle
 * @param platform its platform's handle
 * @param name the hardware
 * @param platformName the driver's platform
 * @param version OpenCL's and the driver's version
 * @param driver the driver's version alone
 * @param types bits of {@code OpenClInfo.TYPE_…}
 * @param computeUnits processors that run work-groups
 * @param mostWorkItems the largest work-group
 * @param memory bytes of device memory
 * @param largestAllocation bytes that one buffer can have
 * @param localMemory bytes that a work-group can share
 * @param ownLocalMemory whether that is memory near the processors, not a part of the device memory
 * @param unifiedMemory whether the device shares its memory with the host
 * @param exactDivision whether divisions and roots can be correctly rounded
 * @param extensions names of extensions
 */
record DeviceTraits(
        long id,
        long platform,
        String name,
        String platformName,
        String version,
        String driver,
        long types,
        int computeUnits,
        int mostWorkItems,
        long memory,
        long largestAllocation,
        long localMemory,
        boolean ownLocalMemory,
        boolean unifiedMemory,
        boolean exactDivision,
        Set<String> extensions) {

    static DeviceTraits of(OpenCl calls, long id) {
        Reader device = new Reader(calls, id);
        long platform = device.integer(OpenClInfo.DEVICE_PLATFORM);
        long[] sizes =
                calls.deviceInfo(id, OpenClInfo.DEVICE_MAX_WORK_ITEM_SIZES).longs();
        long mostWorkItems = Math.min(device.integer(OpenClInfo.DEVICE_MAX_WORK_GROUP_SIZE), sizes[0]);
        return new DeviceTraits(
                id,
                platform,
                device.text(OpenClInfo.DEVICE_NAME),
                calls.platformInfo(platform, OpenClInfo.PLATFORM_NAME).text(),
                device.text(OpenClInfo.DEVICE_VERSION),
                device.text(OpenClInfo.DRIVER_VERSION),
                device.integer(OpenClInfo.DEVICE_TYPE),
                (int) device.integer(OpenClInfo.DEVICE_MAX_COMPUTE_UNITS),
                (int) Math.min(mostWorkItems, Integer.MAX_VALUE),
                device.integer(OpenClInfo.DEVICE_GLOBAL_MEM_SIZE),
                device.integer(OpenClInfo.DEVICE_MAX_MEM_ALLOC_SIZE),
                device.integer(OpenClInfo.DEVICE_LOCAL_MEM_SIZE),
                device.integer(OpenClInfo.DEVICE_LOCAL_MEM_TYPE) == OpenClInfo.LOCAL_MEMORY_OWN,
                device.integer(OpenClInfo.DEVICE_HOST_UNIFIED_MEMORY) != 0,
                (device.integer(OpenClInfo.DEVICE_SINGLE_FP_CONFIG) & OpenClInfo.CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0,
                Arrays.stream(device.text(OpenClInfo.DEVICE_EXTENSIONS).split(" +"))
                        .collect(Collectors.toUnmodifiableSet()));
    }

    /** A GPU of this much memory: what shapes of launches depend on. */
    static DeviceTraits imagined(long memory) {
        return new DeviceTraits(
                0,
                0,
                "imagined",
                "none",
                "OpenCL 3.0",
                "none",
                OpenClInfo.TYPE_GPU,
                64,
                256,
                memory,
                memory,
                32 << 10,
                true,
                false,
                true,
                Set.of());
    }

    private record Reader(OpenCl calls, long id) {
        String text(int what) {
            return calls.deviceInfo(id, what).text();
        }

        long integer(int what) {
            return calls.deviceInfo(id, what).integer();
        }
    }

    /** Whether kernels run on the cores of a CPU, where a work-item is a loop iteration and vectors are the lanes. */
    boolean isCpu() {
        return (types & OpenClInfo.TYPE_CPU) != 0;
    }

    /**
     * Whether the driver keeps what it has compiled. PoCL does, kernel by kernel, each for the sizes of work-groups that it is
     * enqueued with; asked for the code of a program, it compiles all its kernels, for no size.
     */
    boolean keepsPrograms() {
        return platformName.equals("Portable Computing Language");
    }

    /** The features that the device lists: see {@link FeatureTest} for those that work. */
    Set<DeviceFeature> features() {
        return Arrays.stream(DeviceFeature.values())
                .filter(feature -> extensions.contains(feature.extension()))
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(DeviceFeature.class)));
    }

    /** The version of OpenCL C that programs are written in: sub-groups are a part of the later ones. */
    String language(Set<DeviceFeature> used) {
        if (!used.contains(DeviceFeature.SUB_GROUPS)) {
            return "CL1.2";
        }
        return version.startsWith("OpenCL 2") ? "CL2.0" : "CL3.0";
    }

    /** One line for people, with these features. */
    String describe(Set<DeviceFeature> features) {
        String listed = features.stream().map(DeviceFeature::title).collect(Collectors.joining(", "));
        return name + " (" + platformName + "; " + version + ", driver " + driver + "), " + computeUnits
                + " compute units, " + (memory >> 20) + " MiB"
                + (listed.isEmpty() ? "" : ", " + listed);
    }
}
