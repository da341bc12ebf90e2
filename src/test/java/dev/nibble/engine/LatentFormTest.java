package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.device.NeedsCuda;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.Resources;
import dev.nibble.model.LatentConfig;
import dev.nibble.model.ModelCutout;
import dev.nibble.model.Split;
import dev.nibble.model.SyntheticModel;
import dev.nibble.model.Weights;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Attention over keys and values that are made of latent vectors equals that over the latent vectors. */
class LatentFormTest {
    private static final String MODEL = "models/random-deepseek2-q8_0.gguf";

    /** Several steps, whose tokens stand in several tiles of one, two and three pieces each. */
    private static final int TOKENS = 75;

    private static final int ROWS = 8;
    private static final LatentCost R1 = new LatentCost(new LatentConfig(1536, 512, 128, 64), 128);

    /** Nothing is rounded but to float32, and keys and values of tiles are floats too. */
    @Test
    void exactlyAsAbsorbed() throws IOException {
        for (KvRotation rotation : List.of(KvRotation.OFF, KvRotation.BOTH)) {
            EngineOptions options = options(KvType.F32).withRotation(rotation);
            near(1e-9, logits("reference", true, options), logits("reference", true, absorbed(options)));
        }
    }

    /** The logits of llama.cpp, in both forms, as near as its own path with int8 activations comes. */
    @TestFactory
    Stream<DynamicTest> goldenLogits() {
        return golden("reference", "cpu", "cpu,cpu");
    }

    @TestFactory
    @ExtendWith(NeedsCuda.class)
    Stream<DynamicTest> goldenLogitsOfCudaDevices() {
        return golden("cuda:0");
    }

    @TestFactory
    @Tag("slow")
    @ExtendWith({NeedsCuda.class, NeedsOpenCl.class})
    Stream<DynamicTest> goldenLogitsOfOtherDevices() {
        return golden("cuda:2", "cuda:0,cuda:1", "opencl:0", "cuda:0,cpu");
    }

    /** Where there are two devices, with the layers and with each of the layers in two parts. */
    private static Stream<DynamicTest> golden(String... devices) {
        return Stream.of(devices)
                .flatMap(device -> Stream.of(LatentForm.ABSORBED, LatentForm.MATERIALISED)
                        .flatMap(form -> Stream.of(Split.LAYER, Split.TENSOR)
                                .filter(split -> device.contains(",") || split == Split.LAYER)
                                .map(split -> DynamicTest.dynamicTest(
                                        device + ", " + form + ", " + split, () -> golden(device, form, split)))));
    }

    private static void golden(String device, LatentForm form, Split split) throws IOException {
        JsonNode entry = StreamSupport.stream(
                        new ObjectMapper()
                                .readTree(GoldenData.path("logits/index.json"))
                                .spliterator(),
                        false)
                .filter(other -> other.get("model").asString().equals(MODEL))
                .findFirst()
                .orElseThrow();
        int[] tokens =
                entry.get("tokens").valueStream().mapToInt(JsonNode::asInt).toArray();
        EngineOptions options = new EngineOptions(tokens.length, tokens.length, KvType.F32, KvType.F32, ROWS)
                .withSplit(split)
                .withLatentForm(form);
        float[] found =
                EngineProbe.logits(GoldenData.path(MODEL), device, new DeviceOptions(2, false), options, tokens);
        float[] wanted = GoldenData.floats("logits/" + entry.get("file").asString());
        near(Math.max(1e-4, 4 * entry.at("/llama_cpp_int8/nmse").asDouble()), found, wanted);
    }

    /** Weights of floats, so that devices differ by the order of additions only. */
    @ParameterizedTest
    @Tag("slow")
    @CsvSource({"deepseek-r1, F16, 1e-8", "deepseek-r1, Q8_0, 1e-8", "deepseek-v2-lite, Q4_0, 1e-8"})
    void theCpuGivesWhatTheReferenceGives(String shape, KvType kv, double tolerance) {
        near(tolerance, ofCutout(shape, "cpu", kv, Split.LAYER), ofCutout(shape, "reference", kv, Split.LAYER));
    }

    @ParameterizedTest
    @ExtendWith(NeedsCuda.class)
    @CsvSource({"deepseek-r1, cuda:0, F16, LAYER", "deepseek-v2-lite, 'cuda:0,cuda:1', Q8_0, TENSOR"})
    void cudaDevicesGiveWhatTheCpuGives(String shape, String devices, KvType kv, Split split) {
        near(1e-6, ofCutout(shape, devices, kv, split), ofCutout(shape, "cpu", kv, Split.LAYER));
    }

    @ParameterizedTest
    @Tag("slow")
    @ExtendWith(NeedsCuda.class)
    @CsvSource({
        "deepseek-r1, cuda:2, Q8_0, LAYER",
        "deepseek-r1, 'cuda:0,cuda:1', Q4_0, TENSOR",
        "deepseek-r1, 'cuda:0,cuda:1', Q8_0, LAYER",
        "deepseek-r1, 'cuda:0,cuda:1', F16, TENSOR",
        "deepseek-v2-lite, 'cpu,cpu', Q4_0, TENSOR"
    })
    void otherDevicesGiveWhatTheCpuGives(String shape, String devices, KvType kv, Split split) {
        near(1e-6, ofCutout(shape, devices, kv, split), ofCutout(shape, "cpu", kv, Split.LAYER));
    }

    private static float[] ofCutout(String shape, String devices, KvType kv, Split split) {
        EngineOptions options = options(kv).withSplit(split);
        try (SyntheticModel whole = SyntheticModel.of(shape + "/4:f16");
                ModelCutout model = new ModelCutout(whole, Weights.tensors(whole));
                Resources opened = new Resources()) {
            List<Device> used = Stream.of(devices.split(","))
                    .map(name -> opened.own(Devices.open(name, new DeviceOptions(2, false))))
                    .toList();
            int vocabulary = model.config().vocabulary();
            int[] tokens = new Random(7).ints(TOKENS, 0, vocabulary).toArray();
            try (Engine engine = Engine.open(used, model, options, done -> {})) {
                return EngineProbe.logits(engine.scheduler(), vocabulary, tokens);
            }
        }
    }

    /** The figures that {@link LatentCost} names: 171 rows deep in a context, plus what saving a tenth takes. */
    @Test
    void longPromptsMakeKeysAndValues() {
        assertTrue(prefers(512, 32768));
        assertTrue(prefers(256, 163840));
        assertTrue(prefers(64, 0));
        assertFalse(prefers(171, 32768));
        assertFalse(prefers(1, 0));
        assertFalse(prefers(1, 32768));
        assertFalse(prefers(16, 0));
        assertEquals(39, R1.leastRows());
        double rows = 1e9;
        assertEquals(3.4, R1.absorbed((long) rows, rows * 1e5) / R1.materialised(100_000, rows * 1e5), 0.01);
    }

    private static boolean prefers(long rows, long depth) {
        return R1.prefersMaterialised(rows, rows * depth + rows * (rows + 1) / 2.0, rows + depth);
    }

    private static EngineOptions options(KvType kv) {
        return new EngineOptions(TOKENS, TOKENS, kv, kv, ROWS).withLatentForm(LatentForm.MATERIALISED);
    }

    private static EngineOptions absorbed(EngineOptions options) {
        return options.withLatentForm(LatentForm.ABSORBED);
    }

    private static float[] logits(String devices, boolean exact, EngineOptions options) throws IOException {
        int[] tokens = new Random(7).ints(TOKENS, 3, 64).toArray();
        return EngineProbe.logits(GoldenData.path(MODEL), devices, new DeviceOptions(2, exact), options, tokens);
    }

    private static void near(double tolerance, float[] found, float[] wanted) {
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
