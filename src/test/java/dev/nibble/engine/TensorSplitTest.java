package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.OutOfCapacityException;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.Device;
import dev.nibble.device.KvType;
import dev.nibble.device.NeedsCuda;
import dev.nibble.model.ModelCutout;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Split;
import dev.nibble.model.SyntheticModel;
import dev.nibble.model.Weights;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A model of whose every layer each device has a part gives what it gives on one device, but for the order of additions. */
class TensorSplitTest {
    private static final TensorSplitProbe PROBE = new TensorSplitProbe(23, 8);

    private final FakeDevice.Journal journal = new FakeDevice.Journal();
    private final FakeDevice first = new FakeDevice("first", journal);
    private final FakeDevice second = new FakeDevice("second", journal);

    @TestFactory
    Stream<DynamicTest> everyModelOnTwoProcessors() {
        return TensorSplitProbe.models().map(model -> PROBE.test(model, "cpu", "cpu,cpu", KvType.F16));
    }

    /** Heads are split, the latent vectors that they share are on each device. */
    @TestFactory
    Stream<DynamicTest> latentAttentionOnTwoProcessors() {
        return Stream.of(KvType.F16, KvType.Q8_0)
                .map(kv -> PROBE.test("random-deepseek2-q8_0", "cpu", "cpu,cpu", kv, 3.0, 1.0));
    }

    @TestFactory
    @ExtendWith(NeedsCuda.class)
    Stream<DynamicTest> oneModelOnTwoCudaDevices() {
        return Stream.of(new TensorSplitProbe(11, 8).test("random-qwen3-q8_0", "cuda:0", "cuda:0,cuda:1", KvType.Q8_0));
    }

    /** Seven query heads share each of two key heads; parts are as uneven as they can be. */
    @Test
    void oddHeadsAndUnevenParts() {
        try (ModelSource whole = SyntheticModel.of("qwen2.5-7b:q4_0");
                ModelSource model = new ModelCutout(whole, Weights.tensors(whole))) {
            assertEquals(14, model.config().heads());
            PROBE.compare(model, "cpu", "cpu,cpu", KvType.Q8_0, List.of(1.0, 5.0));
            PROBE.compare(model, "cpu", "cpu,reference", KvType.F16, List.of(5.0, 1.0));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    tiny-q4_k_m            | 2 | 2 key and value heads can be cut where blocks of weights end, every 2
                    tiny-q4_0              | 3 | gives 2 parts for 3 devices; use --split layer
                    """)
    void whatCannotBeSplitIsRefusedBeforeItIsLoaded(String model, int devices, String inMessage) throws Exception {
        List<FakeDevice> used = new ArrayList<>();
        while (used.size() < devices) {
            used.add(new FakeDevice("d" + used.size(), journal));
        }
        try (ModelSource source = TensorSplitProbe.open(model)) {
            var error = assertThrows(UnsupportedFeatureException.class, () -> open(used, source, Split.TENSOR));
            assertTrue(error.getMessage().contains(inMessage), error.getMessage());
        }
        assertEquals(0, used.stream().mapToInt(FakeDevice::allocations).sum());
    }

    /** Two exchanges in each of two layers; after the last of them the first device alone goes on. */
    @Test
    void devicesExchangeTwicePerLayer() throws Exception {
        try (ModelSource model = TensorSplitProbe.open("random-llama-q8_0");
                Engine engine = open(List.of(first, second), model, Split.TENSOR)) {
            EngineProbe.logits(engine.scheduler(), model.config().vocabulary(), 7);
            List<String> wanted = new ArrayList<>(List.of("first runs 0 layers", "second receives 1 rows"));
            for (int half = 0; half < 4; half++) {
                int layers = half % 2 == 0 ? 1 : 0;
                wanted.add("first runs " + layers + " layers");
                wanted.add("second runs " + layers + " layers");
                wanted.add("first receives 1 rows");
                if (half < 3) {
                    wanted.add("second receives 1 rows");
                }
            }
            wanted.addAll(List.of("first runs 0 layers", "first is read", "first is read"));
            assertEquals(wanted, journal.take());
            long weights =
                    engine.memory().stream().mapToLong(MemoryPlan::weights).sum();
            assertEquals(weights, engine.weightBytes());
        }
        assertEquals(0, first.open() + second.open());
    }

    /** Of three layers one device has two, but each could have one and a half. */
    @Test
    void autoSplitsLayersWhereOnlyThatFits() {
        try (ModelSource model = SyntheticModel.of("mixtral-8x7b/3:q4_0")) {
            assertEquals(2, largest(model, Split.AUTO).layers().count());
            long layers = largest(model, Split.LAYER).total();
            long parts = largest(model, Split.TENSOR).total();
            assertTrue(parts < 0.85 * layers, parts + " and " + layers);
            first.withFreeMemory(parts);
            second.withFreeMemory(parts);
            assertEquals(3, largest(model, Split.AUTO).layers().count());
            assertTrue(largest(model, Split.AUTO).part().contains("4 of 8 heads"));
            first.withFreeMemory(parts - 1);
            assertThrows(OutOfCapacityException.class, () -> largest(model, Split.AUTO));
        }
    }

    private MemoryPlan largest(ModelSource model, Split split) {
        try (Engine engine = open(List.of(first, second), model, split)) {
            return engine.memory().stream()
                    .max(Comparator.comparing(MemoryPlan::total))
                    .orElseThrow();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"submit", "receive", "write"})
    void aPeerThatIsLostEndsWhatRunsAndFreesEverything(String call) throws Exception {
        try (ModelSource model = TensorSplitProbe.open("random-llama-q8_0")) {
            int vocabulary = model.config().vocabulary();
            try (Engine engine = open(List.of(first, second), model, Split.TENSOR)) {
                EngineProbe.logits(engine.scheduler(), vocabulary, 1, 2, 3);
                second.fail(call);
                var error = assertThrows(
                        CompletionException.class, () -> EngineProbe.logits(engine.scheduler(), vocabulary, 1, 2));
                assertEquals("second is lost", error.getCause().getMessage());
            }
            assertEquals(0, first.open() + second.open());
            second.fail("nothing");
            try (Engine engine = open(List.of(first, second), model, Split.TENSOR)) {
                EngineProbe.logits(engine.scheduler(), vocabulary, 1, 2, 3);
            }
        }
    }

    @Test
    void everyFailureOfALoadFreesAllThatWasAllocated() throws Exception {
        try (ModelSource model = TensorSplitProbe.open("random-llama-moe-q8_0")) {
            open(List.of(first, second), model, Split.TENSOR).close();
            for (FakeDevice whole : List.of(first, second)) {
                assertTrue(whole.allocations() > 40, whole.allocations() + " allocations");
                for (int k = 0; k < whole.allocations(); k++) {
                    FakeDevice one = new FakeDevice("first", journal);
                    FakeDevice two = new FakeDevice("second", journal);
                    (whole == first ? one : two).failingAtAllocation(k);
                    var error = assertThrows(
                            OutOfCapacityException.class, () -> open(List.of(one, two), model, Split.TENSOR));
                    assertEquals(whole.name() + " has no room for piece " + k, error.getMessage());
                    assertEquals(0, one.open() + two.open(), error.getMessage());
                }
            }
        }
    }

    private static Engine open(List<? extends Device> devices, ModelSource model, Split split) {
        EngineOptions options = new EngineOptions(64, 64, KvType.F16, KvType.F16, 8).withSplit(split);
        return Engine.open(List.copyOf(devices), model, options, done -> {});
    }
}
