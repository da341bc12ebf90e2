package dev.nibble.device.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.Roofline;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The measurement of a device's limits. */
@ExtendWith(NeedsOpenCl.class)
class OpenClRooflineTest {
    @Test
    void measuresAndFreesItsMemory() {
        try (OpenClDevice device = OpenClDevice.open(OpenClPlatforms.system(), 0)) {
            long free = device.freeMemory();
            Roofline roofline = device.openRoofline().orElseThrow();
            double bytes = roofline.readBytesPerSecond();
            assertTrue(bytes > 1e8 && bytes < 1e14, bytes + " bytes per second");
            double products = roofline.multiplyAddsPerSecond();
            assertTrue(products > 1e8 && products < 1e16, products + " multiply-adds per second");
            roofline.close();
            roofline.close();
            assertEquals(free, device.freeMemory());
        }
    }
}
