package dev.nibble.check;

import dev.nibble.foreign.CudaLibrary;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is checked, in which order: tests first, at the same time, since nobody times them; then measurements, one after the other.
 *
 * @param device of the measurements: {@code cuda:0}, several with commas between them, or {@value #SIMULATOR}
 * @param quick tiny sizes, few tests: whether the check itself works
 * @param torchBench the script that measures PyTorch
 * @param llamaBench llama.cpp's benchmark
 * @param llamaModels what that one and this project run both
 */
record CheckPlan(String device, boolean quick, Path torchBench, String llamaBench, List<Path> llamaModels) {
    static final String SIMULATOR = "simulator";

    private static final Duration TESTS = Duration.ofSeconds(200);
    private static final Duration KERNELS = Duration.ofSeconds(110);
    private static final Duration WHOLE_MODELS = Duration.ofSeconds(90);
    private static final Duration OTHERS = Duration.ofSeconds(40);

    /** Of all together. */
    static final Duration TOTAL = Duration.ofSeconds(470);

    private static final String TYPES = "llama-3.1-8b:q4_0,llama-3.1-8b:q8_0,llama-3.1-8b:q4_k,llama-3.1-8b:q6_k";
    private static final String LONG_CONTEXT = "32768";

    /** The tests. */
    List<CheckPart> tests() {
        List<CheckPart> parts = new ArrayList<>();
        String golden = "dev.nibble.GreedyTextTest#cudaDevicesWriteTheSame(java.lang.String)";
        if (quick) {
            parts.add(tests("cuda", true, ".*\\.Cuda(Roofline|Workspace)Test"));
            parts.add(tests("golden models", true, golden));
            return parts;
        }
        parts.add(tests("cuda contract", true, ".*\\.CudaDeviceContractTest"));
        parts.add(tests("cuda", true, ".*\\.Cuda(?!DeviceContractTest)[^.]*Test"));
        parts.add(tests("opencl", false, ".*\\.OpenCl[^.]*Test"));
        String logits = "dev.nibble.engine.GoldenLogitsTest#";
        parts.add(tests(
                "golden models",
                true,
                golden,
                logits + "int8ActivationsOfCudaDevices",
                logits + "cudaDevicesGiveTheLogitsOfTheReference"));
        return parts;
    }

    /** The measurements. */
    List<CheckPart> measurements() {
        List<CheckPart> parts = new ArrayList<>();
        if (quick) {
            parts.add(bench("kernels", KERNELS, "--kernels", "-p", "4", "-n", "1", "-r", "1"));
            parts.add(bench("whole models", WHOLE_MODELS, "-p", "4", "-n", "2", "-r", "1"));
        } else {
            parts.add(bench("kernels", KERNELS, "--kernels", "--shape", TYPES, "-p", "512", "-n", "1"));
            for (String cache : List.of("f16", "q8_0", "q4_0")) {
                parts.add(bench(
                        "kernels after 32k tokens, " + cache,
                        OTHERS,
                        "--kernels",
                        "--shape",
                        "llama-3.2-1b:q4_0",
                        "-p",
                        "512",
                        "-n",
                        "1",
                        "--depth",
                        LONG_CONTEXT,
                        "--kv",
                        cache));
            }
            parts.add(bench("whole models", WHOLE_MODELS, "--shape", TYPES, "-p", "512", "-n", "128", "-r", "3"));
        }
        parts.add(torch());
        for (Path model : llamaModels) {
            parts.add(bench("ours on " + model.getFileName(), OTHERS, "-m", model.toString(), "-r", "3"));
            parts.add(llama(model));
        }
        return parts;
    }

    private CheckPart tests(String name, boolean needed, String... arguments) {
        return new CheckPart("tests: " + name, needed, TESTS, environment(), java(ChosenTests.class, arguments));
    }

    private CheckPart bench(String name, Duration budget, String... arguments) {
        List<String> command = java(dev.nibble.bench.RuntimeBench.class, arguments);
        command.addAll(List.of("--device", device.equals(SIMULATOR) ? "cuda:0" : device, "--json"));
        return new CheckPart(name, true, budget, environment(), command);
    }

    private CheckPart torch() {
        List<String> command = new ArrayList<>(List.of("python3", torchBench.toString()));
        if (quick) {
            command.add("--quick");
        }
        return new CheckPart("torch", false, OTHERS, Map.of(), command);
    }

    private CheckPart llama(Path model) {
        List<String> command =
                List.of(llamaBench, "-m", model.toString(), "-ngl", "99", "-fa", "1", "-r", "3", "-o", "json");
        return new CheckPart("llama.cpp on " + model.getFileName(), false, OTHERS, Map.of(), command);
    }

    private Map<String, String> environment() {
        @Nullable String chosen = System.getenv(CudaLibrary.ENVIRONMENT);
        return device.equals(SIMULATOR) && (chosen == null || chosen.isEmpty())
                ? Map.of(CudaLibrary.ENVIRONMENT, CudaLibrary.SIMULATOR)
                : Map.of();
    }

    /** A main class on this Java with this class path. */
    private static List<String> java(Class<?> program, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xlog:disable",
                "-Xlog:all=error:stderr",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        command.addAll(List.of(arguments));
        return command;
    }
}
