package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.device.BackgroundDevice;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.device.NeedsCuda;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.PresentDevices;
import dev.nibble.device.Resources;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.GgufModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model whose layers are split over devices of one kind gives the logits that it gives on one of them, to the last bit. */
class LayerSplitTest {
    private static final List<Double> BY_MEMORY = List.of();
    private static final int TOKENS = 41;
    private static final int ROWS = 16;

    @TestFactory
    Stream<DynamicTest> everyModelGivesTheSameLogitsOnTwoDevices() throws IOException {
        return models().stream()
                .flatMap(path ->
                        Stream.of(KvType.F16, KvType.Q8_0, KvType.Q4_0).map(kv -> test(path, "cpu", 2, kv, BY_MEMORY)));
    }

    @TestFactory
    Stream<DynamicTest> unevenSplitsOverAllNumbersOfDevices() throws IOException {
        return models().stream()
                .filter(path -> path.toString().matches(".*(random-.*|tiny-q8_0|tiny-q4_k_m)\\.gguf"))
                .flatMap(path -> {
                    int layers = layers(path);
                    return Stream.of(
                            test(path, "cpu", 2, KvType.F16, List.of(layers - 1.0, 1.0)),
                            test(path, "cpu", 2, KvType.F16, List.of(1.0, layers - 1.0)),
                            test(path, "cpu", layers, KvType.F16, BY_MEMORY),
                            test(path, "reference", 2, KvType.F16, List.of(layers - 1.0, 1.0)));
                });
    }

    @TestFactory
    @ExtendWith(NeedsCuda.class)
    Stream<DynamicTest> cudaDevicesGiveTheSameLogitsAsOne() {
        Path path = GoldenData.path("models/tiny-q4_k_m.gguf");
        return Stream.of(KvType.F16, KvType.Q8_0, KvType.Q4_0)
                .map(kv -> test(path, "cuda:0", "cuda:0,cuda:1", kv, BY_MEMORY));
    }

    /** The devices work at the same time, each on another chunk of the prompt. */
    @Test
    void devicesThatWorkInTheBackgroundGiveTheSameLogits() throws IOException {
        Path path = GoldenData.path("models/tiny-q4_k_m.gguf");
        int[] tokens = new Random(7).ints(TOKENS, 3, 64).toArray();
        EngineOptions options = new EngineOptions(TOKENS, TOKENS, KvType.F16, KvType.F16, 4);
        DeviceOptions threads = new DeviceOptions(1, false);
        float[] wanted = EngineProbe.logits(path, "cpu", threads, options, tokens);
        for (int attempt = 0; attempt < 10; attempt++) {
            try (Device first = new BackgroundDevice(Devices.open("cpu", threads));
                    Device second = Devices.open("cpu", threads);
                    Device third = new BackgroundDevice(Devices.open("cpu", threads));
                    GgufModel model = new GgufModel(GgufFile.open(path));
                    Engine engine = Engine.open(List.of(first, second, third), model, options, done -> {})) {
                int vocabulary = model.config().vocabulary();
                assertArrayEquals(
                        Arrays.copyOfRange(wanted, wanted.length - vocabulary, wanted.length),
                        EngineProbe.last(engine.scheduler(), vocabulary, tokens));
            }
        }
    }

    /** Whether its two instances are one device or two, they share a context, and the rows go from one to the other at once. */
    @ParameterizedTest
    @ValueSource(strings = {"opencl:0,opencl:0", "opencl:0,opencl:1", "opencl:0,cpu", "cpu,opencl:0"})
    @ExtendWith(NeedsOpenCl.class)
    void chunksOnOpenClDevicesDoNotOvertakeEachOther(String devices) throws IOException {
        chunksDoNotOvertakeEachOther(devices);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda:0,cuda:0", "cuda:0,cuda:1", "cuda:0,cpu", "cpu,cuda:0"})
    @ExtendWith(NeedsCuda.class)
    void chunksOnCudaDevicesDoNotOvertakeEachOther(String devices) throws IOException {
        chunksDoNotOvertakeEachOther(devices);
    }

    private static void chunksDoNotOvertakeEachOther(String devices) throws IOException {
        PresentDevices.assume(devices);
        Path path = GoldenData.path("models/tiny-q4_k_m.gguf");
        int[] tokens = new Random(7).ints(TOKENS, 3, 64).toArray();
        EngineOptions options = new EngineOptions(TOKENS, TOKENS, KvType.F16, KvType.F16, 4);
        float[] wanted = last(path, devices.split(",")[0], options, tokens);
        for (int attempt = 0; attempt < 5; attempt++) {
            float[] found = last(path, devices, options, tokens);
            assertTrue(nmse(found, wanted) < 1e-4, "attempt " + attempt + ": NMSE " + nmse(found, wanted));
        }
    }

    private static float[] last(Path path, String devices, EngineOptions options, int... tokens) throws IOException {
        try (Resources opened = new Resources();
                GgufModel model = new GgufModel(GgufFile.open(path))) {
            List<Device> used = Stream.of(devices.split(","))
                    .map(name -> opened.own(Devices.open(name, new DeviceOptions(1, false))))
                    .toList();
            try (Engine engine = Engine.open(used, model, options, done -> {})) {
                return EngineProbe.last(engine.scheduler(), model.config().vocabulary(), tokens);
            }
        }
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

    private static DynamicTest test(Path path, String kind, int devices, KvType kv, List<Double> proportions) {
        return test(path, kind, String.join(",", Collections.nCopies(devices, kind)), kv, proportions);
    }

    private static DynamicTest test(Path path, String one, String several, KvType kv, List<Double> proportions) {
        String name = path.getFileName() + ", " + several + ", " + kv.id() + ", " + proportions;
        return DynamicTest.dynamicTest(name, () -> {
            PresentDevices.assume(several);
            int[] tokens = new Random(7).ints(TOKENS, 3, 64).toArray();
            EngineOptions options = new EngineOptions(TOKENS, TOKENS, kv, kv, KvRotation.AUTO, ROWS, proportions);
            DeviceOptions threads = new DeviceOptions(2, false);
            assertArrayEquals(
                    EngineProbe.logits(path, one, threads, options, tokens),
                    EngineProbe.logits(path, several, threads, options, tokens));
        });
    }

    private static List<Path> models() throws IOException {
        try (Stream<Path> files = Files.list(GoldenData.path("models"))) {
            return files.filter(path -> path.toString().endsWith(".gguf"))
                    .sorted()
                    .toList();
        }
    }

    private static int layers(Path path) {
        try (GgufModel model = new GgufModel(GgufFile.open(path))) {
            return model.config().layers();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
