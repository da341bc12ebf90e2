package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvType;
import dev.nibble.device.Resources;
import dev.nibble.model.ModelCutout;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Split;
import dev.nibble.model.SyntheticModel;
import dev.nibble.model.Weights;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is planned for devices is what they allocate: never more, and, when steps of all shapes have run, not much less. */
abstract class MemoryPlanContract {
    private static final int ROWS = 48;

    /** The kind of the devices. */
    abstract String kind();

    /** Bytes that these devices have allocated. */
    abstract long taken(List<Device> devices);

    /** Bytes that are planned for a device and were allocated when it was opened. */
    long takenBefore() {
        return 0;
    }

    @ParameterizedTest
    @CsvSource({
        "llama-3.2-1b:q4_0, 1, 256, LAYER",
        "mixtral-8x7b:q4_0, 1, 256, LAYER",
        "mixtral-8x7b:q4_0, 2, 256, LAYER",
        "qwen2.5-7b:q4_0, 2, 2048, TENSOR"
    })
    void planned(String name, int count, int context, Split split) {
        try (ModelSource whole = SyntheticModel.of(name);
                ModelSource model = new ModelCutout(whole, Weights.tensors(whole));
                Resources opened = new Resources()) {
            List<Device> devices = IntStream.range(0, count)
                    .mapToObj(i -> opened.own(Devices.open(kind() + ":" + i, DeviceOptions.DEFAULT)))
                    .toList();
            long before = taken(devices);
            long[] most = {0};
            EngineOptions options = new EngineOptions(context, context, KvType.F16, KvType.F16, ROWS).withSplit(split);
            try (Engine engine = Engine.open(
                    devices, model, options, done -> most[0] = Math.max(most[0], taken(devices) - before))) {
                long planned = engine.memory().stream()
                        .mapToLong(plan -> plan.total() - takenBefore())
                        .sum();
                assertTrue(most[0] > 0 && most[0] <= planned, () -> most[0] + " bytes while loading, of " + planned);
                runAllShapes(engine, model.config().vocabulary());
                assertEquals(planned, taken(devices) - before, 0.02 * planned);
            }
        }
    }

    private static void runAllShapes(Engine engine, int vocabulary) {
        for (int rows = 1; rows <= ROWS; rows += rows < 32 ? rows : 16) {
            EngineProbe.last(engine.scheduler(), vocabulary, new int[rows]);
            EngineProbe.logits(engine.scheduler(), vocabulary, new int[rows]);
        }
    }
}
