package dev.nibble.device.opencl;

import dev.nibble.device.Device;
import dev.nibble.foreign.EditedOpenCl;
import dev.nibble.foreign.OpenClInfo;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The first OpenCL device of this machine, taken for another one: what kernels then run must not depend on what it really is. */
public final class AlteredDevice {
    /** The only addition of the self-test of sub-groups, which has no memory to lend. */
    private static final String TESTED = "sub_group_reduce_add((float)i)";

    private AlteredDevice() {}

    /** As a GPU with memory of its own. */
    public static Device gpu() {
        return open(OpenClPlatforms.system(), OpenClInfo.TYPE_GPU, false, Long.MAX_VALUE, Set.of());
    }

    /** As a GPU whose work-groups are small. */
    public static Device gpu(int mostWorkItems) {
        OpenClPlatforms system = OpenClPlatforms.system();
        DeviceTraits real = system.devices().getFirst();
        return open(system, OpenClInfo.TYPE_GPU, mostWorkItems, false, real.largestAllocation(), real.extensions());
    }

    /** As a GPU that has dot products of bytes and sub-groups too. */
    public static Device gpuWithFeatures() {
        String standIns = KernelSource.of("stand_ins");
        OpenClPlatforms platforms = OpenClPlatforms.of(EditedOpenCl.library(
                source -> standIns + source.replace(TESTED, "(256.0f * get_sub_group_id() + 120)")));
        Set<String> features = Set.of(DeviceFeature.INTEGER_DOT.extension(), DeviceFeature.SUB_GROUPS.extension());
        OpenClDevice device = open(platforms, OpenClInfo.TYPE_GPU, false, Long.MAX_VALUE, features);
        if (device.programs().features().size() != features.size()) {
            throw new AssertionError(
                    "the stand-ins do not pass the test: " + device.programs().features());
        }
        return device;
    }

    /** As a CPU whose compiler has no instructions for bytes of 512 bits. */
    public static Device cpuWithoutAvx512() {
        OpenClPlatforms platforms =
                OpenClPlatforms.of(EditedOpenCl.library(source -> "#undef __AVX512BW__\n" + source));
        return open(platforms, OpenClInfo.TYPE_CPU, true, Long.MAX_VALUE, Set.of());
    }

    /** With a limit on the bytes of an allocation. */
    public static Device ofSmallAllocations(long most) {
        return open(OpenClPlatforms.system(), OpenClInfo.TYPE_CPU, true, most, Set.of());
    }

    private static OpenClDevice open(
            OpenClPlatforms system, long type, boolean unified, long largest, Set<String> more) {
        DeviceTraits real = system.devices().getFirst();
        Set<String> extensions = new HashSet<>(real.extensions());
        extensions.addAll(more);
        return open(
                system, type, real.mostWorkItems(), unified, Math.min(largest, real.largestAllocation()), extensions);
    }

    private static OpenClDevice open(
            OpenClPlatforms system, long type, int workItems, boolean unified, long largest, Set<String> extensions) {
        DeviceTraits real = system.devices().getFirst();
        DeviceTraits altered = new DeviceTraits(
                real.id(),
                real.platform(),
                real.name(),
                real.platformName(),
                real.version(),
                real.driver(),
                type,
                real.computeUnits(),
                workItems,
                real.memory(),
                largest,
                real.localMemory(),
                type == OpenClInfo.TYPE_GPU,
                unified,
                real.exactDivision(),
                extensions);
        return OpenClDevice.open(new OpenClPlatforms(system.calls(), List.of(altered), ""), 0);
    }
}
