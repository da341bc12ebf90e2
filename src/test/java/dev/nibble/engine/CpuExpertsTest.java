package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.OutOfCapacityException;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvType;
import dev.nibble.device.NeedsCuda;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.Resources;
import dev.nibble.model.ModelCutout;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Split;
import dev.nibble.model.SyntheticModel;
import dev.nibble.model.Weights;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** A model whose routed experts are on the CPU gives what it gives on one device, but for the order of additions. */
class CpuExpertsTest {
    private static final DeviceOptions THREADS = new DeviceOptions(2, false);
    private static final EngineOptions OPTIONS = new EngineOptions(64, 64, KvType.F16, KvType.F16, 8);
    private static final int ALL = 1000;
    private static final int TOKENS = 37;

    private final FakeDevice.Journal journal = new FakeDevice.Journal();
    private final FakeDevice first = new FakeDevice("first", journal);
    private final FakeDevice second = new FakeDevice("second", journal);
    private final FakeDevice cpu = new FakeDevice("cpu", journal);

    @TestFactory
    Stream<DynamicTest> goldenLogits() {
        return golden("cpu", "cpu,reference");
    }

    @TestFactory
    @ExtendWith(NeedsCuda.class)
    Stream<DynamicTest> goldenLogitsOnCuda() {
        return golden("cuda:0");
    }

    @TestFactory
    @Tag("slow")
    @ExtendWith(NeedsCuda.class)
    Stream<DynamicTest> goldenLogitsOnTwoCudaDevices() {
        return golden("cuda:0,cuda:1");
    }

    @TestFactory
    @ExtendWith(NeedsOpenCl.class)
    Stream<DynamicTest> goldenLogitsOnOpenCl() {
        return golden("opencl:0");
    }

    @TestFactory
    @Tag("slow")
    @ExtendWith(NeedsOpenCl.class)
    Stream<DynamicTest> goldenLogitsOnTwoOpenClDevices() {
        return golden("opencl:0,opencl:1");
    }

    /** All models with experts that there are, each with the cache whose logits are known. */
    private static Stream<DynamicTest> golden(String... devices) {
        return Stream.of(KvType.F32, KvType.F16)
                .flatMap(kv -> GoldenLogitsTest.entries(kv.id())
                        .filter(entry -> entry.get("model").asString().matches(".*(moe|deepseek2).*"))
                        .flatMap(entry -> Stream.of(devices).map(names -> golden(entry, names, kv))));
    }

    private static DynamicTest golden(JsonNode entry, String devices, KvType kv) {
        String name = entry.get("file").asString();
        return DynamicTest.dynamicTest(name + ", " + devices, () -> {
            Path path = GoldenData.path(entry.get("model").asString());
            int[] tokens = GoldenLogitsTest.tokens(entry);
            EngineOptions options = new EngineOptions(tokens.length, tokens.length, kv, kv, 16).withCpuExperts(ALL);
            float[] found = EngineProbe.logits(path, devices, THREADS, options, tokens);
            double tolerance = GoldenLogitsTest.cacheTolerance(entry)
                    + GoldenLogitsTest.int8Tolerance(GoldenLogitsTest.withFloatCache(entry));
            near(found, GoldenData.floats("logits/" + name), tolerance);
        });
    }

    /** Shared experts with a gate and without, dense layers before, experts of some layers or of all; the last step is smaller. */
    @ParameterizedTest
    @CsvSource({
        "qwen1.5-moe-a2.7b, cpu, 1000",
        "qwen1.5-moe-a2.7b, cpu, 3",
        "deepseek-r1, cpu, 4",
        "deepseek-v2-lite, 'cpu,cpu', 4",
        "deepseek-v2-lite, 'cpu,cpu', 2"
    })
    void families(String shape, String devices, int layers) {
        compare(shape, devices, layers);
    }

    @ParameterizedTest
    @Tag("slow")
    @ExtendWith(NeedsCuda.class)
    @CsvSource({"qwen1.5-moe-a2.7b, cuda:0, 1000", "deepseek-r1, 'cuda:0,cuda:1', 4", "deepseek-v2-lite, cuda:0, 2"})
    void familiesOnCuda(String shape, String devices, int layers) {
        compare(shape, devices, layers);
    }

    @ParameterizedTest
    @Tag("slow")
    @ExtendWith(NeedsOpenCl.class)
    @CsvSource({
        "qwen1.5-moe-a2.7b, opencl:0, 1000",
        "deepseek-r1, 'opencl:0,opencl:1', 4",
        "deepseek-v2-lite, opencl:0, 2"
    })
    void familiesOnOpenCl(String shape, String devices, int layers) {
        compare(shape, devices, layers);
    }

    /** Of a layer the router comes first, its rows go to the CPU, and while that computes the device has shared experts to do. */
    @Test
    void theDeviceWorksWhileTheCpuDoes() {
        try (ModelSource model = SyntheticModel.of("deepseek-v2-lite/3:q4_0");
                Engine engine = open(List.of(first), model, 2)) {
            EngineProbe.logits(engine.scheduler(), model.config().vocabulary(), 7);
            assertEquals(
                    List.of(
                            "first runs 0 layers", // The dense layer's and the second one's latent attention, a router.
                            "first is read",
                            "first is read",
                            "first is read",
                            "first runs 0 layers", // Shared experts.
                            "cpu runs 0 layers",
                            "cpu is read",
                            "first runs 0 layers", // The rest.
                            "first is read",
                            "first is read"),
                    journal.take());
            assertEquals(engine.memory().stream().mapToLong(MemoryPlan::weights).sum(), engine.weightBytes());
            assertEquals("routed experts of layer 1", engine.memory().getLast().part());
            assertEquals(
                    List.of("first", "cpu"),
                    engine.work().stream().map(DeviceWork::device).toList());
        }
        assertEquals(0, first.open() + cpu.open());
    }

    @ParameterizedTest
    @CsvSource({"first, read", "first, submit", "first, write", "cpu, submit", "cpu, write"})
    void aDeviceThatIsLostEndsWhatRunsAndFreesEverything(String name, String call) throws Exception {
        FakeDevice lost = name.equals("cpu") ? cpu : first;
        try (ModelSource model = TensorSplitProbe.open("random-llama-moe-q8_0")) {
            int vocabulary = model.config().vocabulary();
            try (Engine engine = open(List.of(first), model, ALL)) {
                EngineProbe.logits(engine.scheduler(), vocabulary, 1, 2, 3);
                lost.fail(call);
                var error = assertThrows(
                        CompletionException.class, () -> EngineProbe.logits(engine.scheduler(), vocabulary, 1, 2));
                assertEquals(name + " is lost", error.getCause().getMessage());
            }
            assertEquals(0, first.open() + cpu.open());
            lost.fail("nothing");
            try (Engine engine = open(List.of(first), model, ALL)) {
                EngineProbe.logits(engine.scheduler(), vocabulary, 1, 2, 3);
            }
        }
    }

    @Test
    void everyFailureOfALoadFreesAllThatWasAllocated() throws Exception {
        try (ModelSource model = TensorSplitProbe.open("random-llama-moe-q8_0")) {
            open(List.of(first), model, ALL).close();
            int allocations = cpu.allocations();
            assertTrue(allocations > 12, allocations + " allocations");
            for (int k = 0; k < allocations; k++) {
                FakeDevice failing = new FakeDevice("cpu", journal).failingAtAllocation(k);
                EngineOptions options = OPTIONS.withCpuExperts(ALL);
                var error = assertThrows(
                        OutOfCapacityException.class,
                        () -> Engine.open(List.of(first), failing, model, options, done -> {}));
                assertEquals("cpu has no room for piece " + k, error.getMessage());
                assertEquals(0, first.open() + failing.open(), error.getMessage());
            }
        }
    }

    @Test
    void whatDoesNotFitTheCpuIsRefusedBeforeItIsLoaded() {
        try (ModelSource model = SyntheticModel.of("mixtral-8x7b/3:q4_0")) {
            cpu.withFreeMemory(1L << 30);
            var error = assertThrows(OutOfCapacityException.class, () -> open(List.of(first), model, ALL));
            assertTrue(error.getMessage().contains("does not fit device cpu"), error.getMessage());
            assertTrue(error.getMessage().contains("cpu (routed experts of layers 0 to 2)"), error.getMessage());
            assertEquals(0, first.allocations() + cpu.allocations());
        }
    }

    /** Both devices' layers become lighter where experts leave: the split follows. */
    @Test
    void asFewExpertsAsNeededGoToTheCpu() {
        try (ModelSource model = SyntheticModel.of("mixtral-8x7b/6:q4_0")) {
            CapacityPlanner planner =
                    new CapacityPlanner(List.of(first, second), cpu, model.config(), Weights.tensors(model));
            long whole =
                    planner.plan(OPTIONS).stream().mapToLong(MemoryPlan::total).sum();
            first.withFreeMemory(whole / 3);
            second.withFreeMemory(whole / 3);
            EngineOptions placed = planner.fitExperts(OPTIONS).orElseThrow();
            assertTrue(planner.fits(placed));
            assertTrue(placed.cpuExperts() > 1 && placed.cpuExperts() < 6, placed.toString());
            assertFalse(planner.fits(OPTIONS.withCpuExperts(placed.cpuExperts() - 1)));
            List<MemoryPlan> plans = planner.plan(placed);
            assertEquals(3, plans.size());
            assertTrue(plans.getFirst().layers().count() > plans.get(1).layers().count(), plans.toString());
            cpu.withFreeMemory(0);
            assertTrue(planner.fitExperts(OPTIONS).isEmpty());
        }
    }

    @Test
    void partsOfLayersHaveTheirExpertsWithThem() throws Exception {
        try (ModelSource model = TensorSplitProbe.open("random-llama-moe-q8_0")) {
            EngineOptions options = OPTIONS.withCpuExperts(ALL).withSplit(Split.TENSOR);
            var error = assertThrows(
                    UnsupportedFeatureException.class,
                    () -> Engine.open(List.of(first, second), cpu, model, options, done -> {}));
            assertTrue(error.getMessage().contains("use --split layer"), error.getMessage());
        }
    }

    private Engine open(List<FakeDevice> devices, ModelSource model, int layers) {
        return Engine.open(List.copyOf(devices), cpu, model, OPTIONS.withCpuExperts(layers), done -> {});
    }

    private static void compare(String shape, String devices, int layers) {
        float[] wanted = logits(shape, devices, 0);
        float[] found = logits(shape, devices, layers);
        near(found, wanted, 1e-8);
    }

    private static float[] logits(String shape, String devices, int layers) {
        EngineOptions options = new EngineOptions(TOKENS, TOKENS, KvType.F16, KvType.F16, 16).withCpuExperts(layers);
        try (SyntheticModel whole = SyntheticModel.of(shape + "/5:f16");
                ModelCutout model = new ModelCutout(whole, Weights.tensors(whole));
                Resources opened = new Resources()) {
            List<Device> used = Stream.of(devices.split(","))
                    .map(name -> opened.own(Devices.open(name, THREADS)))
                    .toList();
            Device cpu = opened.own(Devices.open("cpu", THREADS));
            int vocabulary = model.config().vocabulary();
            int[] tokens = new Random(7).ints(TOKENS, 0, vocabulary).toArray();
            try (Engine engine = Engine.open(used, cpu, model, options, done -> {})) {
                float[] all = EngineProbe.logits(engine.scheduler(), vocabulary, tokens);
                // Rows that give no logits end at the last layer, and a sequence of one token is a step of one row.
                float[] last = EngineProbe.last(engine.scheduler(), vocabulary, tokens);
                near(last, Arrays.copyOfRange(all, all.length - vocabulary, all.length), 1e-8);
                return all;
            }
        }
    }

    private static void near(float[] found, float[] wanted, double tolerance) {
        double nmse = GoldenLogitsTest.nmse(found, wanted);
        assertTrue(nmse <= tolerance, () -> "NMSE " + nmse + " is above " + tolerance);
    }
}
