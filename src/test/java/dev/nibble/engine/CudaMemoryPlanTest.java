package dev.nibble.engine;

import dev.nibble.device.Device;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.simulator.NeedsCudaSimulator;
import java.util.List;
import org.junit.jupiter.api.extension.ExtendWith;

/** Memory of CUDA devices, as their driver counts it. */
@ExtendWith(NeedsCudaSimulator.class)
class CudaMemoryPlanTest extends MemoryPlanContract {
    private final CudaSimulator simulator = new CudaSimulator();

    @Override
    String kind() {
        return "cuda";
    }

    @Override
    long taken(List<Device> devices) {
        return simulator.live().get(CudaSimulator.Kind.BYTES.ordinal());
    }
}
