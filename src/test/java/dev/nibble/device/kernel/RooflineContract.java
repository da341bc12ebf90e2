package dev.nibble.device.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Device;
import dev.nibble.device.Roofline;
import org.junit.jupiter.api.Test;

/** The measurement of a device's limits. */
public abstract class RooflineContract {
    /** Opens the device under test. */
    protected abstract Device open();

    /** What the slowest of such devices reads in a second. */
    protected abstract double leastBytesPerSecond();

    @Test
    void measuresAndFreesItsMemory() {
        try (Device device = open()) {
            long free = device.freeMemory();
            Roofline roofline = device.openRoofline().orElseThrow();
            double bytes = roofline.readBytesPerSecond();
            assertTrue(bytes > leastBytesPerSecond() && bytes < 1e14, bytes + " bytes per second");
            check(roofline);
            roofline.close();
            roofline.close();
            assertEquals(free, device.freeMemory());
        }
    }

    /** What else is to hold of a measurement. */
    protected void check(Roofline roofline) {}
}
