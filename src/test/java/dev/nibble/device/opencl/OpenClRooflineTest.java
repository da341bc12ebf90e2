package dev.nibble.device.opencl;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Device;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.Roofline;
import dev.nibble.device.kernel.RooflineContract;
import org.junit.jupiter.api.extension.ExtendWith;

/** The limits of an OpenCL device. */
@ExtendWith(NeedsOpenCl.class)
class OpenClRooflineTest extends RooflineContract {
    @Override
    protected Device open() {
        return OpenClDevice.open(OpenClPlatforms.system(), 0);
    }

    @Override
    protected double leastBytesPerSecond() {
        return 1e8;
    }

    @Override
    protected void check(Roofline roofline) {
        double products = roofline.multiplyAddsPerSecond();
        assertTrue(products > 1e8 && products < 1e16, products + " multiply-adds per second");
    }
}
