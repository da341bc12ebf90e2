package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.model.ModelCutout;
import dev.nibble.model.SyntheticModel;
import dev.nibble.model.Weights;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Small cut-outs of families that have shared experts or latent attention. */
class FamiliesTest {
    private static final int TOKENS = 37;

    @ParameterizedTest
    @CsvSource({
        "qwen1.5-moe-a2.7b, F32, 1e-8",
        "deepseek-v2-lite, F32, 1e-8",
        "deepseek-r1, F32, 1e-8",
        "deepseek-r1, F16, 1e-8",
        "deepseek-r1, Q8_0, 1e-5",
        "deepseek-v2-lite, Q4_0, 1e-5"
    })
    void theCpuGivesTheLogitsOfTheReference(String shape, KvType kv, double tolerance) {
        float[] wanted = logits(shape, "reference", false, kv, KvRotation.AUTO);
        near(logits(shape, "cpu", false, kv, KvRotation.AUTO), wanted, tolerance);
    }

    /** Devices that share the layers do the same: see {@link LayerSplitTest}. */
    @ParameterizedTest
    @ValueSource(strings = {"deepseek-v2-lite", "qwen1.5-moe-a2.7b"})
    void devicesThatShareTheLayersGiveTheSame(String shape) {
        float[] wanted = logits(shape, "cpu", false, KvType.F16, KvRotation.AUTO);
        near(logits(shape, "cpu,reference", false, KvType.F16, KvRotation.AUTO), wanted, 1e-8);
    }

    /** Latent vectors are turned as keys and turned back as values. */
    @ParameterizedTest
    @Tag("slow")
    @ValueSource(strings = {"KEYS", "VALUES", "BOTH"})
    void rotationLeavesLatentAttentionAsItIs(KvRotation rotation) {
        float[] wanted = logits("deepseek-r1", "reference", true, KvType.F32, KvRotation.OFF);
        near(logits("deepseek-r1", "reference", true, KvType.F32, rotation), wanted, 1e-10);
    }

    private static float[] logits(String shape, String devices, boolean exact, KvType kv, KvRotation rotation) {
        EngineOptions options = new EngineOptions(TOKENS, TOKENS, kv, kv, rotation, 16);
        try (SyntheticModel whole = SyntheticModel.of(shape + "/5:f16");
                ModelCutout model = new ModelCutout(whole, Weights.tensors(whole));
                Device first = Devices.open(devices.split(",")[0], new DeviceOptions(2, exact));
                Device last = Devices.open(devices.replaceFirst(".*,", ""), new DeviceOptions(2, exact))) {
            List<Device> used = devices.contains(",") ? List.of(first, last) : List.of(first);
            int vocabulary = model.config().vocabulary();
            int[] tokens = new Random(7).ints(TOKENS, 0, vocabulary).toArray();
            try (Engine engine = Engine.open(used, model, options, done -> {})) {
                return EngineProbe.logits(engine.scheduler(), vocabulary, tokens);
            }
        }
    }

    private static void near(float[] found, float[] wanted, double tolerance) {
        double error = 0;
        double power = 0;
        for (int i = 0; i < wanted.length; i++) {
            error += Math.pow((double) found[i] - wanted[i], 2);
            power += Math.pow(wanted[i], 2);
        }
        double nmse = error / power;
        assertTrue(power > 0 && nmse <= tolerance, () -> "NMSE " + nmse + " is above " + tolerance);
    }
}
