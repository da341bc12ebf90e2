package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvType;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.model.ModelCutout;
import dev.nibble.model.ModelSource;
import dev.nibble.model.SyntheticModel;
import dev.nibble.model.Weights;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is planned for an OpenCL device is what it allocates, when steps of all shapes have run. */
@Tag("slow")
@ExtendWith(NeedsOpenCl.class)
class OpenClMemoryPlanTest {
    /** What copies go through, which was there before. */
    private static final long STAGING = 4 << 20;

    @ParameterizedTest
    @ValueSource(strings = {"llama-3.2-1b:q4_0", "mixtral-8x7b:q4_0"})
    void planned(String name) {
        try (ModelSource whole = SyntheticModel.of(name);
                ModelSource model = new ModelCutout(whole, Weights.tensors(whole));
                Device device = Devices.open("opencl:0", DeviceOptions.DEFAULT)) {
            long free = device.freeMemory();
            EngineOptions options = new EngineOptions(256, 256, KvType.F16, KvType.F16, 48);
            try (Engine engine = Engine.open(List.of(device), model, options, done -> {})) {
                int vocabulary = model.config().vocabulary();
                for (int rows = 1; rows <= 48; rows += rows < 33 ? rows : 15) {
                    EngineProbe.last(engine.scheduler(), vocabulary, new int[rows]);
                    EngineProbe.logits(engine.scheduler(), vocabulary, new int[rows]);
                }
                long taken = free - device.freeMemory();
                long planned = engine.memory().getFirst().total() - STAGING;
                assertEquals(planned, taken, 0.02 * planned);
            }
        }
    }
}
