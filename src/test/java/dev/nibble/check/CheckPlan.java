package dev.nibble.check;

import dev.nibble.bench.RuntimeBench;
import dev.nibble.foreign.CudaLibrary;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
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

    private static final List<String> TYPES = List.of("q4_0", "q8_0", "q4_k", "q6_k");
    private static final String AFTER_LONG_CONTEXT = " --depth 32768 --kv ";

    /** The tests. */
    List<CheckPart> tests() {
        List<CheckPart> parts = new ArrayList<>();
        String greedy = "dev.nibble.GreedyTextTest#";
        String one = greedy + "oneCudaDeviceWritesTheSame(java.lang.String)";
        if (quick) {
            parts.add(tests("cuda", true, ".*\\.Cuda(Roofline|Workspace)Test"));
            parts.add(tests("golden models", true, one));
            return parts;
        }
        parts.add(tests("cuda contract", true, ".*\\.CudaDeviceContractTest"));
        parts.add(tests("cuda", true, ".*\\.Cuda(?!DeviceContractTest)[^.]*Test"));
        parts.add(tests("opencl", false, ".*\\.OpenCl[^.]*Test"));
        String logits = "dev.nibble.engine.GoldenLogitsTest#";
        parts.add(tests(
                "golden models",
                true,
                one,
                greedy + "cudaDevicesWriteTheSame(java.lang.String)",
                logits + "int8ActivationsOfCudaDevices",
                logits + "cudaDevicesGiveTheLogitsOfTheReference"));
        return parts;
    }

    /** The measurements, those that matter most first: the time of all together may not suffice for the last ones. */
    List<CheckPart> measurements() {
        List<CheckPart> parts = new ArrayList<>();
        if (quick) {
            parts.add(bench("kernels", true, KERNELS, "--kernels -p 4 -n 1 -r 1"));
            parts.add(bench("whole models", true, WHOLE_MODELS, "-p 4 -n 2 -r 1"));
        } else {
            parts.add(bench("kernels", true, KERNELS, "--kernels -p 512 -n 1 --shape " + shapes("llama-3.1-8b")));
            parts.add(
                    bench("whole models", true, WHOLE_MODELS, "-p 512 -n 128 -r 3 --shape " + shapes("llama-3.1-8b")));
        }
        parts.add(torch());
        for (Path model : llamaModels) {
            parts.add(bench("ours on " + model.getFileName(), true, OTHERS, "-r 3", "-m", model.toString()));
            parts.add(llama(model));
        }
        if (!quick) {
            String large = "--kernels -p 512 -n 1 -r 3 --shape " + shapes("llama-3.3-70b/8");
            parts.add(bench("kernels of large matrices", false, KERNELS, large));
            for (String cache : List.of("f16", "q8_0", "q4_0")) {
                String after = AFTER_LONG_CONTEXT + cache;
                parts.add(bench(
                        "kernels after 32k tokens, " + cache,
                        false,
                        OTHERS,
                        "--kernels -p 512 -n 1 -r 3 --shape llama-3.1-8b/4:q4_0" + after));
                parts.add(bench(
                        "generation after 32k tokens, " + cache,
                        false,
                        OTHERS,
                        "-p 0 -n 128 -r 3 --shape llama-3.1-8b:q4_0" + after));
            }
        }
        return parts;
    }

    private static String shapes(String model) {
        return TYPES.stream().map(type -> model + ":" + type).collect(Collectors.joining(","));
    }

    private CheckPart tests(String name, boolean needed, String... arguments) {
        return new CheckPart("tests: " + name, needed, TESTS, environment(), java(ChosenTests.class, arguments));
    }

    /** @param needed whether it fails where a model does not fit the device */
    private CheckPart bench(String name, boolean needed, Duration budget, String arguments, String... more) {
        List<String> command = java(RuntimeBench.class, arguments.split(" "));
        command.addAll(List.of(more));
        command.addAll(List.of("--device", device.equals(SIMULATOR) ? "cuda:0" : device, "--json"));
        return new CheckPart(name, needed, budget, environment(), command);
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
