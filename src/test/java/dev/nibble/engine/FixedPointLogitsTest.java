package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.device.Arithmetic;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.GgufModel;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The logits of whole models whose layers are computed in integers: dense and with experts, with biases, of float weights. Measured
 * against float32: 1e-4 to 3e-3, where int8 in blocks is off by up to 3e-4; the random models have no structure that would help.
 */
class FixedPointLogitsTest {
    private static final int[] TOKENS = {1, 37, 5, 260, 11, 99, 310, 7, 42, 18, 200, 3};

    private static float[] logits(String model, String device, Arithmetic arithmetic) throws IOException {
        EngineOptions options =
                new EngineOptions(TOKENS.length, TOKENS.length, KvType.F32, KvType.F32, KvRotation.OFF, 16);
        try (Device opened = Devices.open(device, new DeviceOptions(2, arithmetic));
                GgufModel source = new GgufModel(GgufFile.open(GoldenData.path("models/" + model + ".gguf")));
                Engine engine = Engine.open(List.of(opened), source, options, done -> {})) {
            return EngineProbe.logits(engine.scheduler(), source.config().vocabulary(), TOKENS);
        }
    }

    @TestFactory
    Stream<DynamicTest> nearThoseOfFloats() {
        return Stream.of(
                        "tiny-f16",
                        "tiny-q4_k_m",
                        "random-llama-q8_0",
                        "random-llama-moe-q8_0",
                        "random-qwen2-q8_0",
                        "random-qwen3moe-q8_0")
                .map(model -> DynamicTest.dynamicTest(model, () -> {
                    float[] exact = logits(model, "reference", Arithmetic.EXACT);
                    float[] reference = logits(model, "reference", Arithmetic.FIXED_POINT);
                    float[] cpu = logits(model, "cpu", Arithmetic.FIXED_POINT);
                    int first = exact.length / TOKENS.length;
                    assertNmse(reference, exact, 5e-3);
                    // Floats between the layers differ by their last bits, of which integers mostly see nothing.
                    assertNmse(cpu, reference, 1e-4);
                    assertNmse(Arrays.copyOf(cpu, first), Arrays.copyOf(reference, first), 1e-6);
                }));
    }

    private static void assertNmse(float[] found, float[] wanted, double tolerance) {
        double nmse = nmse(found, wanted);
        assertTrue(nmse <= tolerance, () -> "NMSE " + nmse + " is above " + tolerance);
    }

    private static double nmse(float[] values, float[] wanted) {
        double error = 0;
        double power = 0;
        for (int i = 0; i < wanted.length; i++) {
            error += Math.pow((double) values[i] - wanted[i], 2);
            power += Math.pow(wanted[i], 2);
        }
        return error / power;
    }
}
