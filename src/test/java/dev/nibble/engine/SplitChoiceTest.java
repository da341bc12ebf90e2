package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.nibble.device.DeviceSpeeds;
import dev.nibble.device.Devices;
import dev.nibble.device.ImaginedDevice;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Split;
import dev.nibble.model.SyntheticModel;
import dev.nibble.model.Weights;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Layers or parts of every layer, by what fits and by times. */
class SplitChoiceTest {
    private static final int CONTEXT = 4096;

    private static CapacityPlanner planner(String shape, long gibibytes, int devices) {
        ModelSource model = SyntheticModel.of(shape);
        List<ImaginedDevice> imagined = IntStream.range(0, devices)
                .mapToObj(i -> Devices.imagine("cuda:" + i, gibibytes << 30))
                .toList();
        return new CapacityPlanner(imagined, model.config(), Weights.tensors(model));
    }

    private static EngineOptions options(Split split, int context) {
        return new EngineOptions(
                context, context, KvType.F16, KvType.F16, KvRotation.AUTO, 512, List.of(), List.of(), split, 0);
    }

    private static Optional<DeviceSpeeds> unasked() {
        return fail("nothing was to be measured");
    }

    /** Half of the reading is saved, 80 or 160 times a row of 16 to 32 kB goes over. */
    @ParameterizedTest
    @CsvSource({
        "llama-3.3-70b:q4_0, 0, 10, TENSOR",
        "llama-3.3-70b:q4_0, 0, 60, LAYER",
        "llama-3.3-70b:q4_0, 1, 10, LAYER",
        "llama-3.2-1b:q4_0, 0, 10, LAYER",
        "llama-3.2-1b:q4_0, 0, 1, TENSOR",
        "deepseek-r1/4:ud-iq1_s, 0, 10, TENSOR"
    })
    void theFasterWayIsTaken(String shape, double contention, double reduceMicros, Split wanted) {
        DeviceSpeeds speeds =
                new DeviceSpeeds(List.of(3350e9, 3350e9), contention, reduceMicros * 1e-6, reduceMicros * 1e-6);
        SplitChoice choice =
                SplitChoice.of(planner(shape, 80, 2), options(Split.AUTO, CONTEXT), () -> Optional.of(speeds));
        assertEquals(wanted, choice.split(), choice.reason());
        assertTrue(choice.reason().contains("reads 3.35e+03 : 3.35e+03 GB/s"), choice.reason());
        assertTrue(choice.reason().startsWith(wanted == Split.LAYER ? "layer split: " : "tensor split: "));
    }

    /** One device after the other, or both at once with half of the shorter reading on top; a copy; exchanges. */
    @Test
    void theTimesAreSumsAndMaxima() {
        DeviceSpeeds speeds = new DeviceSpeeds(List.of(10e9, 20e9), 0.5, 2e-3, 1e-3);
        EngineOptions options = options(Split.AUTO, CONTEXT);
        List<DeviceWork> work = List.of(
                new DeviceWork("a", 1_000_000_000, 1_000_000, 0), new DeviceWork("b", 2_000_000_000L, 500_000, 0));
        // 3.048 and 3.024 GB with 2048 tokens in the cache.
        double first = 3.048 / 10;
        double second = 3.024 / 20;
        assertEquals(first + second + 2e-3, SplitChoice.layerSeconds(work, options, speeds), 1e-9);
        assertEquals(first + 0.5 * second + 2e-3 + 32 * 1e-3, SplitChoice.partSeconds(work, options, speeds, 32), 1e-9);
    }

    @Test
    void whatWasAskedForIsNotMeasured() {
        for (Split split : List.of(Split.LAYER, Split.TENSOR)) {
            SplitChoice choice = SplitChoice.of(
                    planner("llama-3.2-1b:q4_0", 80, 2), options(split, CONTEXT), SplitChoiceTest::unasked);
            assertEquals(new SplitChoice(split, ""), choice);
        }
        SplitChoice one = SplitChoice.of(
                planner("llama-3.2-1b:q4_0", 80, 1), options(Split.AUTO, CONTEXT), SplitChoiceTest::unasked);
        assertEquals("", one.reason());
    }

    /** Two heads of keys cannot be cut into three parts. */
    @Test
    void theWayThatIsPossibleIsTakenWithoutMeasuring() {
        SplitChoice choice = SplitChoice.of(
                planner("qwen2.5-0.5b:q4_0", 80, 3), options(Split.AUTO, CONTEXT), SplitChoiceTest::unasked);
        assertEquals(Split.LAYER, choice.split());
        assertTrue(choice.reason().contains("parts of every layer cannot be: "), choice.reason());
    }

    /** Latent vectors are kept by each device that has a part of every layer. */
    @Test
    void theWayThatFitsIsTakenWithoutMeasuring() {
        SplitChoice choice = SplitChoice.of(
                planner("deepseek-r1:ud-iq1_s", 80, 2), options(Split.AUTO, 300_000), SplitChoiceTest::unasked);
        assertEquals(Split.LAYER, choice.split());
        assertTrue(choice.reason().contains("parts of every layer do not fit"), choice.reason());
    }

    @Test
    void withoutDevicesLayersAreSplit() {
        SplitChoice choice =
                SplitChoice.of(planner("llama-3.2-1b:q4_0", 80, 2), options(Split.AUTO, CONTEXT), Optional::empty);
        assertEquals(Split.LAYER, choice.split());
        assertTrue(choice.reason().contains("no devices here"), choice.reason());
    }
}
