package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.OutOfCapacityException;
import dev.nibble.device.Device;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.model.ModelSource;
import dev.nibble.model.SyntheticModel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an engine asks of several devices, and what becomes of it when one of them fails. */
class SeveralDevicesTest {
    private static final int VOCABULARY = 128256;
    private static final int CONTEXT = 64;
    private static final int ROWS = 8;

    private final FakeDevice.Journal journal = new FakeDevice.Journal();
    private final FakeDevice first = new FakeDevice("first", journal);
    private final FakeDevice second = new FakeDevice("second", journal);

    /** 16 layers, and a token embedding that is the output matrix as well. */
    private final ModelSource model = SyntheticModel.of("llama-3.2-1b:q4_0");

    @Test
    void aStepRunsOnEachDeviceWithOneCopyBetweenThem() {
        FakeDevice third = new FakeDevice("third", journal);
        try (Engine engine = open(List.of(first, second, third), 5.0, 8.0, 3.0)) {
            EngineProbe.logits(engine.scheduler(), VOCABULARY, 7);
            assertEquals(
                    List.of(
                            "first runs 5 layers",
                            "second receives 1 rows",
                            "second runs 8 layers",
                            "third receives 1 rows",
                            "third runs 3 layers",
                            "third is read",
                            "third is read"),
                    journal.take());
        }
    }

    /** The output matrix is the token embedding: both are there once where a device has one layout for both, as is planned. */
    @Test
    void aMatrixThatIsATableTooIsLoadedOnceWhereItCanBe() {
        long twice = weightBytes(List.of(first));
        long once = weightBytes(List.of(second.withOneLayout()));
        assertEquals(VOCABULARY * 2048L / 32 * 18, twice - once);
        FakeDevice third = new FakeDevice("third", journal).withOneLayout();
        assertEquals(twice, weightBytes(List.of(second, third), 1.0, 1.0), "one on each device");
    }

    private long weightBytes(List<Device> devices, Double... proportions) {
        try (Engine engine = open(devices, proportions)) {
            long planned =
                    engine.memory().stream().mapToLong(MemoryPlan::weights).sum();
            assertEquals(planned, engine.weightBytes());
            return planned;
        }
    }

    /** Only live rows are copied, and nothing is read before the end of the prompt. */
    @Test
    void chunksOfAPromptFollowOneAnotherWithoutWaiting() {
        try (Engine engine = open(List.of(first, second), 1.0, 1.0)) {
            int[] prompt = new int[2 * ROWS + 3];
            engine.scheduler().feed(engine.scheduler().open(new EngineProbe(prompt.length, VOCABULARY)), false, prompt);
            List<String> seen = new ArrayList<>();
            while (seen.stream().filter("second is read"::equals).count() < 2) {
                seen.addAll(journal.take());
                Thread.onSpinWait();
            }
            List<String> chunk = List.of("first runs 8 layers", "second receives 8 rows", "second runs 8 layers");
            List<String> wanted = new ArrayList<>(chunk);
            wanted.addAll(chunk);
            wanted.addAll(List.of(
                    "first runs 8 layers",
                    "second receives 3 rows",
                    "second runs 8 layers",
                    "second is read",
                    "second is read"));
            assertEquals(wanted, seen);
        }
    }

    @ParameterizedTest
    @CsvSource({"512, 1, 512", "512, 2, 256", "512, 3, 171", "512, 5, 128", "100, 2, 100"})
    void severalDevicesHaveSmallerSteps(int rows, int devices, int wanted) {
        EngineOptions options = new EngineOptions(CONTEXT, CONTEXT, KvType.F16, KvType.F16, rows);
        List<Device> used = new ArrayList<>();
        while (used.size() < devices) {
            used.add(new FakeDevice("d" + used.size(), journal));
        }
        try (Engine engine = Engine.open(used, model, options, done -> {})) {
            assertEquals(wanted, engine.rows());
        }
    }

    @Test
    void everyFailureOfALoadFreesAllThatWasAllocated() {
        try (Engine engine = open(List.of(first, second))) {
            assertEquals(2, engine.memory().size());
        }
        int loads = 0;
        for (FakeDevice whole : List.of(first, second)) {
            for (int k = 0; k < whole.allocations(); k++, loads++) {
                FakeDevice one = new FakeDevice("first", journal);
                FakeDevice two = new FakeDevice("second", journal);
                (whole == first ? one : two).failingAtAllocation(k);
                var error = assertThrows(OutOfCapacityException.class, () -> open(List.of(one, two)));
                assertEquals(whole.name() + " has no room for piece " + k, error.getMessage());
                assertEquals(0, one.open() + two.open(), error.getMessage());
            }
        }
        assertTrue(loads > 200, loads + " allocations");
    }

    @Test
    void closingFreesAllEvenWhereAPieceCannotBeFreed() {
        first.failingAtClose(3);
        second.failingAtClose(40);
        Engine engine = open(List.of(first, second));
        assertTrue(first.open() > 50 && second.open() > 50);
        var error = assertThrows(IllegalStateException.class, engine::close);
        assertEquals("second cannot free piece 40", error.getMessage());
        assertEquals(0, first.open() + second.open());
        engine.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"submit", "receive", "read", "write"})
    void aDeviceThatIsLostEndsWhatRunsAndFreesEverything(String call) {
        try (Engine engine = open(List.of(first, second))) {
            EngineProbe.logits(engine.scheduler(), VOCABULARY, 1, 2, 3);
            second.fail(call);
            var error = assertThrows(
                    CompletionException.class, () -> EngineProbe.logits(engine.scheduler(), VOCABULARY, 1, 2));
            assertEquals("second is lost", error.getCause().getMessage());
            var later = assertThrows(
                    IllegalStateException.class, () -> EngineProbe.logits(engine.scheduler(), VOCABULARY, 1, 2));
            assertTrue(later.getMessage().contains("second is lost"), later.getMessage());
        }
        assertEquals(0, first.open() + second.open());
    }

    @Test
    void freeMemoryDecidesWhoHasHowManyLayers() {
        long layer = 64L << 20;
        first.withFreeMemory(20 * layer);
        second.withFreeMemory(60 * layer);
        try (Engine engine = open(List.of(first, second))) {
            int layers = engine.memory().getFirst().layers().count();
            assertTrue(layers >= 2 && layers <= 6, engine.memory().toString());
        }
    }

    /** A device that is three times as fast gets three times the bytes, but no more than it has memory for. */
    @Test
    void speedsDecideAsFarAsMemoryAllows() {
        EngineOptions options = new EngineOptions(CONTEXT, CONTEXT, KvType.F16, KvType.F16, ROWS)
                .withSplit(List.of(), List.of(3e11, 1e11));
        try (Engine engine = Engine.open(List.of(first, second), model, options, done -> {})) {
            long fast = engine.memory().getFirst().weights();
            long slow = engine.memory().getLast().weights();
            assertEquals(3, (double) fast / slow, 0.5);
        }
        first.withFreeMemory(300 << 20);
        try (Engine engine = Engine.open(List.of(first, second), model, options, done -> {})) {
            MemoryPlan fast = engine.memory().getFirst();
            assertTrue(
                    fast.total() <= 300 << 20 && fast.total() > 240 << 20,
                    engine.memory().toString());
        }
    }

    @Test
    void whatDoesNotFitIsRefusedWithTheNumbersOfAllDevices() {
        first.withFreeMemory(100 << 20);
        second.withFreeMemory(200 << 20);
        var error = assertThrows(OutOfCapacityException.class, () -> open(List.of(first, second), 1.0, 3.0));
        String message = error.getMessage();
        assertTrue(message.startsWith("the model does not fit device first: first (layers 0 to 3): weights "), message);
        assertTrue(message.contains("available 100.0 MiB; second (layers 4 to 15): weights "), message);
        assertTrue(message.endsWith("or another --tensor-split"), message);
        assertEquals(0, first.allocations() + second.allocations());
    }

    /** Each of two instances fits, both together do not: it is one memory. */
    @Test
    void devicesOfOneNameHaveTheirMemoryInCommon() {
        FakeDevice twin = new FakeDevice("first", journal);
        long half;
        try (Engine engine = open(List.of(first, twin))) {
            half = engine.memory().stream().mapToLong(MemoryPlan::total).max().orElseThrow();
        }
        first.withFreeMemory(half + half / 2);
        twin.withFreeMemory(half + half / 2);
        assertThrows(OutOfCapacityException.class, () -> open(List.of(first, twin)));
        second.withFreeMemory(half + half / 2);
        open(List.of(first, second)).close();
    }

    @Test
    void moreDevicesThanLayersAreRefused() {
        List<Device> many = new ArrayList<>();
        for (int i = 0; i < 17; i++) {
            many.add(new FakeDevice("d" + i, journal));
        }
        var error = assertThrows(IllegalArgumentException.class, () -> open(many));
        assertTrue(error.getMessage().contains("16 layers cannot be split over 17 devices"), error.getMessage());
        open(many.subList(0, 16)).close();
    }

    private Engine open(List<? extends Device> devices, Double... proportions) {
        EngineOptions options = new EngineOptions(
                CONTEXT, CONTEXT, KvType.F16, KvType.F16, KvRotation.AUTO, ROWS, List.of(proportions));
        return Engine.open(List.copyOf(devices), model, options, done -> {});
    }
}
