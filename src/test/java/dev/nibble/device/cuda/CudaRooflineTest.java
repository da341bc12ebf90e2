package dev.nibble.device.cuda;

import dev.nibble.device.Device;
import dev.nibble.device.NeedsCuda;
import dev.nibble.device.kernel.RooflineContract;
import org.junit.jupiter.api.extension.ExtendWith;

/** The limits of a CUDA device, which may be a simulated one. */
@ExtendWith(NeedsCuda.class)
class CudaRooflineTest extends RooflineContract {
    @Override
    protected Device open() {
        return CudaDevice.open(CudaPlatform.system(), 0);
    }

    @Override
    protected double leastBytesPerSecond() {
        return 1e5;
    }
}
