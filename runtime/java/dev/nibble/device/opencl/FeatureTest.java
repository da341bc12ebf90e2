package dev.nibble.device.opencl;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.DeviceException;
import dev.nibble.device.kernel.Allocation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Finds out which features of a device work. */
final class FeatureTest {
    private static final System.Logger LOG = System.getLogger(FeatureTest.class.getName());

    private final OpenClDevice device;
    private final String family;

    /** @param family the kernels of the tests */
    FeatureTest(OpenClDevice device, String family) {
        this.device = device;
        this.family = family;
    }

    /** Those of these features that give the right results. */
    Set<DeviceFeature> working(Set<DeviceFeature> listed) {
        Set<DeviceFeature> working = EnumSet.noneOf(DeviceFeature.class);
        for (DeviceFeature feature : listed) {
            if (works(feature)) {
                working.add(feature);
            } else {
                LOG.log(
                        System.Logger.Level.INFO,
                        "device {0} lists {1}, but it does not work; it is not used",
                        device.name(),
                        feature.extension());
            }
        }
        return working;
    }

    private boolean works(DeviceFeature feature) {
        long bytes = (long) feature.workItems() * Integer.BYTES;
        OpenClPlan plan = new OpenClPlan(device);
        try (Allocation out = device.memory().allocate(bytes, "a test of the device");
                Arena arena = Arena.ofConfined()) {
            plan.kernel(family, feature.option(), feature.kernel()).memory(out).groups(1, feature.workItems());
            MemorySegment results = arena.allocate(bytes, Integer.BYTES);
            device.queue().submit(device.step(plan, List.of(out)));
            device.queue().read(out, results);
            return Arrays.equals(feature.results(), results.toArray(ValueLayout.JAVA_INT));
        } catch (UnsupportedFeatureException | DeviceException e) {
            LOG.log(System.Logger.Level.DEBUG, "the test of " + feature.extension(), e);
            return false;
        }
    }
}
