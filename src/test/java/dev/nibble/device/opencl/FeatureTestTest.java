package dev.nibble.device.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.device.NeedsOpenCl;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Features that work, that give wrong results, and that do not compile. */
@ExtendWith(NeedsOpenCl.class)
class FeatureTestTest {
    private static final Set<DeviceFeature> EMULATED = EnumSet.of(DeviceFeature.INTEGER_DOT, DeviceFeature.SUB_GROUPS);

    @Test
    void usesWhatWorks() {
        try (OpenClDevice device = OpenClDevice.open(OpenClPlatforms.system(), 0)) {
            assertEquals(EMULATED, new FeatureTest(device, "emulated").working(EMULATED));
            assertEquals(Set.of(), new FeatureTest(device, "emulated").working(Set.of()));
        }
    }

    @Test
    void doesNotUseWhatIsWrong() {
        try (OpenClDevice device = OpenClDevice.open(OpenClPlatforms.system(), 0)) {
            assertEquals(Set.of(), new FeatureTest(device, "emulated_wrong").working(EMULATED));
        }
    }

    /** PoCL 3.1 has neither; a device that has them passes the tests as they are. */
    @Test
    void doesNotUseWhatDoesNotCompile() {
        try (OpenClDevice device = OpenClDevice.open(OpenClPlatforms.system(), 0)) {
            long free = device.freeMemory();
            Set<DeviceFeature> missing = EnumSet.allOf(DeviceFeature.class);
            missing.removeAll(device.traits().features());
            assertEquals(Set.of(), new FeatureTest(device, "features").working(missing));
            assertEquals(free, device.freeMemory());
        }
    }
}
