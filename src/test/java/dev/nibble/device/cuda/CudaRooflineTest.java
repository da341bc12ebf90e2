package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.NeedsCuda;
import dev.nibble.device.Roofline;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The measurement of a device's limits. */
@ExtendWith(NeedsCuda.class)
class CudaRooflineTest {
    @Test
    void measuresAndFreesItsMemory() {
        try (CudaDevice device = CudaDevice.open(CudaPlatform.system(), 0)) {
            long free = device.freeMemory();
            Roofline roofline = device.openRoofline().orElseThrow();
            double bytes = roofline.readBytesPerSecond();
            assertTrue(bytes > 1e5 && bytes < 1e14, bytes + " bytes per second");
            roofline.close();
            roofline.close();
            assertEquals(free, device.freeMemory());
        }
    }
}
