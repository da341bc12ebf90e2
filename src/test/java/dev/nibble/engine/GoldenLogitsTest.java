package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.KvRotation;
import dev.nibble.device.KvType;
import dev.nibble.device.NeedsCuda;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.PresentDevices;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** The logits of whole models against those of llama.cpp, for every file that the supported architectures cover. */
class GoldenLogitsTest {
    @TestFactory
    Stream<DynamicTest> exactActivationsEqualFloat32() {
        return entries("f32").map(entry -> test(entry, "reference", true, KvType.F32, 1e-8));
    }

    @TestFactory
    Stream<DynamicTest> exactActivationsWithOtherCaches() {
        return Stream.of(KvType.F16, KvType.Q8_0, KvType.Q4_0)
                .flatMap(kv -> entries(kv.id())
                        .flatMap(entry -> Stream.of(KvRotation.AUTO, KvRotation.OFF)
                                .map(rotation -> test(entry, "reference", true, kv, rotation, cacheTolerance(entry)))));
    }

    @TestFactory
    Stream<DynamicTest> int8ActivationsWithOtherCaches() {
        return Stream.of(KvType.F16, KvType.Q8_0, KvType.Q4_0)
                .flatMap(kv -> entries(kv.id())
                        .flatMap(entry ->
                                Stream.of("reference", "cpu").map(device -> int8Activations(entry, device, kv))));
    }

    @TestFactory
    Stream<DynamicTest> int8ActivationsOfTheReference() {
        return entries("f32").map(entry -> test(entry, "reference", false, KvType.F32, int8Tolerance(entry)));
    }

    @TestFactory
    Stream<DynamicTest> int8ActivationsOfTheCpu() {
        return entries("f32").map(entry -> test(entry, "cpu", false, KvType.F32, int8Tolerance(entry)));
    }

    @TestFactory
    Stream<DynamicTest> int8ActivationsOfDevicesThatShareTheLayers() {
        return Stream.of(KvType.F32, KvType.F16, KvType.Q8_0, KvType.Q4_0)
                .flatMap(kv -> entries(kv.id())
                        .flatMap(entry -> Stream.of("cpu,reference", "reference,cpu")
                                .map(devices -> int8Activations(entry, devices, kv))));
    }

    @TestFactory
    @ExtendWith(NeedsOpenCl.class)
    Stream<DynamicTest> int8ActivationsOfSomeModelsOnOpenClDevices() {
        return ofSomeModels("opencl:0", "opencl:0,opencl:1");
    }

    @TestFactory
    @Tag("slow")
    @ExtendWith(NeedsOpenCl.class)
    Stream<DynamicTest> int8ActivationsOfOpenClDevices() {
        return int8Activations("opencl:0", "opencl:0,opencl:1");
    }

    @TestFactory
    @Tag("slow")
    @ExtendWith(NeedsOpenCl.class)
    Stream<DynamicTest> openClDevicesGiveTheLogitsOfTheReference() {
        return givesTheLogitsOfTheReference("opencl:0");
    }

    @TestFactory
    @ExtendWith(NeedsCuda.class)
    Stream<DynamicTest> int8ActivationsOfSomeModelsOnCudaDevices() {
        return ofSomeModels("cuda:0", "cuda:0,cuda:1");
    }

    @TestFactory
    @Tag("slow")
    @ExtendWith(NeedsCuda.class)
    Stream<DynamicTest> int8ActivationsOfCudaDevices() {
        return int8Activations("cuda:0", "cuda:0,cuda:1");
    }

    @TestFactory
    @ExtendWith(NeedsCuda.class)
    Stream<DynamicTest> cudaDevicesGiveTheLogitsOfTheReference() {
        return givesTheLogitsOfTheReference("cuda:0");
    }

    /** All entries, on one device and on two that share the layers. */
    private static Stream<DynamicTest> int8Activations(String one, String two) {
        return Arrays.stream(KvType.values())
                .flatMap(kv -> entries(kv.id())
                        .flatMap(entry -> Stream.of(one, two).map(devices -> int8Activations(entry, devices, kv))));
    }

    /** Experts on one device, a dense model on one and on two. */
    private static Stream<DynamicTest> ofSomeModels(String one, String two) {
        Stream<DynamicTest> dense = entries("f16")
                .filter(entry -> entry.get("model").asString().contains("tiny-q4_k_m"))
                .flatMap(entry -> Stream.of(one, two).map(devices -> int8Activations(entry, devices, KvType.F16)));
        Stream<DynamicTest> experts = entries("f16")
                .filter(entry -> entry.get("model").asString().contains("qwen3moe"))
                .map(entry -> int8Activations(entry, one, KvType.F16));
        return Stream.concat(dense, experts);
    }

    private static DynamicTest int8Activations(JsonNode entry, String devices, KvType kv) {
        double tolerance = cacheTolerance(entry) + int8Tolerance(withFloatCache(entry));
        return test(entry, devices, false, kv, KvRotation.AUTO, tolerance);
    }

    /**
     * Other devices add floats in another order than the reference. So rows of float weights agree as closely as float32 does; and
     * so do rows of quantized weights, up to the first activation that lies so near to the middle between two integers that
     * the order of additions decides: from there on, that row and those that attend to it differ by one step of int8.
     */
    @TestFactory
    Stream<DynamicTest> theCpuGivesTheLogitsOfTheReference() {
        return givesTheLogitsOfTheReference("cpu");
    }

    private static Stream<DynamicTest> givesTheLogitsOfTheReference(String device) {
        return entries("f32")
                .map(entry -> DynamicTest.dynamicTest(entry.get("file").asString(), () -> {
                    Path path = GoldenData.path(entry.get("model").asString());
                    float[] wanted = logits(path, "reference", false, KvType.F32, tokens(entry));
                    float[] found = logits(path, device, false, KvType.F32, tokens(entry));
                    boolean floats = path.toString().contains("f16");
                    assertNmse(found, wanted, floats ? 1e-9 : 1e-4);
                    int vocabulary = wanted.length / tokens(entry).length;
                    assertNmse(Arrays.copyOf(found, vocabulary), Arrays.copyOf(wanted, vocabulary), 1e-6);
                }));
    }

    private static void assertNmse(float[] found, float[] wanted, double tolerance) {
        double nmse = nmse(found, wanted);
        assertTrue(nmse <= tolerance, () -> "NMSE " + nmse + " is above " + tolerance);
    }

    static int[] tokens(JsonNode entry) {
        return entry.get("tokens").valueStream().mapToInt(JsonNode::asInt).toArray();
    }

    static double cacheTolerance(JsonNode entry) {
        return Math.max(1e-6, 2 * entry.at("/against_f32_kv/nmse").asDouble(0));
    }

    /** The entry of the same model with a cache of floats; itself if there is none. */
    static JsonNode withFloatCache(JsonNode entry) {
        return entries("f32")
                .filter(other -> other.get("model").equals(entry.get("model")))
                .findFirst()
                .orElse(entry);
    }

    static double int8Tolerance(JsonNode entry) {
        return Math.max(1e-4, 4 * entry.at("/llama_cpp_int8/nmse").asDouble());
    }

    private static DynamicTest test(JsonNode entry, String device, boolean exact, KvType kv, double tolerance) {
        return test(entry, device, exact, kv, KvRotation.AUTO, tolerance);
    }

    private static DynamicTest test(
            JsonNode entry, String device, boolean exact, KvType kv, KvRotation rotation, double tolerance) {
        String name = entry.get("file").asString();
        return DynamicTest.dynamicTest(name + ", " + device + ", rotation " + rotation.id(), () -> {
            PresentDevices.assume(device);
            float[] wanted = GoldenData.floats("logits/" + name);
            Path path = GoldenData.path(entry.get("model").asString());
            double nmse = nmse(logits(path, device, exact, kv, rotation, tokens(entry)), wanted);
            assertTrue(nmse <= tolerance, () -> "NMSE " + nmse + " is above " + tolerance);
        });
    }

    private static float[] logits(Path path, String deviceName, boolean exact, KvType kv, int[] tokens)
            throws IOException {
        return logits(path, deviceName, exact, kv, KvRotation.AUTO, tokens);
    }

    private static float[] logits(
            Path path, String deviceName, boolean exact, KvType kv, KvRotation rotation, int[] tokens)
            throws IOException {
        EngineOptions options = new EngineOptions(tokens.length, tokens.length, kv, kv, rotation, 16);
        return EngineProbe.logits(path, deviceName, new DeviceOptions(2, exact), options, tokens);
    }

    static Stream<JsonNode> entries(String kv) {
        JsonNode index = new ObjectMapper().readTree(GoldenData.path("logits/index.json"));
        return StreamSupport.stream(index.spliterator(), false)
                .filter(entry -> entry.get("kv").asString().equals(kv));
    }

    static double nmse(float[] values, float[] wanted) {
        double error = 0;
        double power = 0;
        for (int i = 0; i < wanted.length; i++) {
            error += Math.pow((double) values[i] - wanted[i], 2);
            power += Math.pow(wanted[i], 2);
        }
        return error / power;
    }
}
