package dev.nibble.check;

import dev.nibble.cli.CommandLines;
import dev.nibble.cli.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The program {@code gpu-check}: whether this machine's GPU computes what it should, and how fast. */
@Command(
        name = "gpu-check",
        mixinStandardHelpOptions = true,
        description = {
            "Runs the tests of devices and models on this machine's GPU, then measures kernels and whole models and, where",
            "there are any, PyTorch and llama.cpp beside them. Takes less than 8 minutes. Ends with 0 if all held.%n"
        })
public final class GpuCheck implements Callable<Integer> {
    private final Terminal terminal;

    @Option(
            names = "--device",
            defaultValue = "cuda:0",
            paramLabel = "NAME",
            description = {
                "What is measured; cuda:0,cuda:1 for several. " + CheckPlan.SIMULATOR + ": the CUDA driver that this",
                "project's tests run on. Default: ${DEFAULT-VALUE}."
            })
    private String device;

    @Option(names = "--quick", description = "Few tests and tiny sizes: tells whether the check works, not the GPU.")
    private boolean quick;

    @Option(
            names = "--json",
            defaultValue = "gpu-check.json",
            paramLabel = "FILE",
            description = "Where to write all that was found. Default: ${DEFAULT-VALUE}.")
    private Path json;

    @Option(
            names = "--llama-bench",
            defaultValue = "llama-bench",
            paramLabel = "PROGRAM",
            description = "llama.cpp's benchmark. Default: the one of the PATH.")
    private String llamaBench;

    @Option(
            names = "--llama-model",
            split = ",",
            paramLabel = "FILE",
            description = "GGUF files that llama.cpp and Nibble both run.")
    private List<Path> llamaModels = List.of();

    @Option(names = "--torch-bench", hidden = true, required = true)
    private Path torchBench;

    private GpuCheck(Terminal terminal) {
        this.terminal = terminal;
    }

    /** Runs the check and ends the process with its status. */
    public static void main(String[] arguments) {
        Terminal terminal = Terminal.ofProcess();
        System.exit(CommandLines.execute(new GpuCheck(terminal), terminal, arguments));
    }

    @Override
    public Integer call() throws IOException {
        CheckPlan plan = new CheckPlan(device, quick, torchBench, llamaBench, llamaModels);
        Path folder = Files.createTempDirectory("gpu-check");
        try {
            PartRunner runner = new PartRunner(folder, CheckPlan.TOTAL);
            List<PartOutcome> outcomes = new ArrayList<>(atOnce(runner, plan.tests()));
            for (CheckPart part : plan.measurements()) {
                outcomes.add(told(runner.run(part)));
            }
            CheckReport report = new CheckReport(outcomes);
            Files.writeString(json, report.json() + "\n");
            terminal.print(report.text());
            return report.isGood() ? 0 : 1;
        } finally {
            delete(folder);
        }
    }

    private List<PartOutcome> atOnce(PartRunner runner, List<CheckPart> parts) {
        List<Future<PartOutcome>> outcomes;
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            outcomes = parts.stream()
                    .map(part -> threads.submit(() -> told(runner.run(part))))
                    .toList();
        }
        return outcomes.stream().map(Future::resultNow).toList();
    }

    private PartOutcome told(PartOutcome outcome) {
        terminal.note(outcome.part().name() + ": " + outcome.end().id() + ", " + outcome.remark());
        return outcome;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
