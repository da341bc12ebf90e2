package dev.nibble.cli;

import dev.nibble.ModelOptions;
import dev.nibble.ModelPlan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code nibble plan}: what a model takes of the memory of its devices, before it is loaded. */
@Command(
        name = "plan",
        description = {
            "Shows what a model would take of the memory of devices, from the header of its file alone: weights, KV cache and"
                    + " scratch, what goes where, whether it fits, the longest context that does, and what would make it fit.",
            ""
        },
        footer = {
            "",
            "nibble plan --shape llama-3.3-70b:q4_k_m --device cuda:0,cuda:1 --memory 24GiB --ctx 8192 --kv q8_0",
            "The exit code is 5 if it does not fit."
        })
final class PlanCommand implements Callable<Integer> {
    @ParentCommand
    private Nibble nibble;

    @Mixin
    private CommonOptions common;

    @Mixin
    private DeviceArguments device;

    @Option(
            names = {"-m", "--model"},
            paramLabel = "FILE",
            description = "The GGUF file; by default the model that comes with the program.")
    private @Nullable Path model;

    @Option(
            names = "--shape",
            paramLabel = "NAME:TYPE",
            description = "Instead of a file, the shapes of a public model, for example llama-3.3-70b:q4_k_m.")
    private @Nullable String shape;

    @Option(
            names = "--memory",
            split = ",",
            paramLabel = "SIZE",
            description =
                    "The memory of each device, or of all, e.g. 80GiB: then they need not be here; one more is that of the CPU,"
                            + " for routed experts. By default the devices are asked what is free.")
    private List<String> memory = List.of();

    @Option(
            names = "--ctx",
            paramLabel = "N",
            description = "Tokens of context to make room for; by default what the model was trained on, at most 4096.")
    private @Nullable Integer context;

    @Option(names = "--batch", paramLabel = "N", description = "The most tokens of a step; by default 512.")
    private @Nullable Integer batch;

    @Option(names = "--html", paramLabel = "FILE", description = "Also write a page with a picture to this file.")
    private @Nullable Path html;

    @Override
    public Integer call() throws IOException {
        if (html != null) {
            new OutputFile("--html", html).check(Stream.of(Optional.ofNullable(model)));
        }
        PlanReport report = new PlanReport(plan(options()));
        if (html != null) {
            Files.writeString(html, PlanHtml.page(report), StandardCharsets.UTF_8);
        }
        nibble.terminal().print(common.json() ? Json.write(report.json()) + "\n" : report.text());
        return report.plan().fits() ? ExitStatus.DONE.code() : ExitStatus.DOES_NOT_FIT.code();
    }

    private ModelOptions options() {
        ModelOptions.Builder builder = device.options(null);
        if (context != null) {
            builder.context(positive("--ctx", context));
        }
        if (batch != null) {
            builder.batch(positive("--batch", batch));
        }
        return builder.build();
    }

    private static int positive(String option, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(option + " must be 1 or more; given " + value);
        }
        return value;
    }

    private ModelPlan plan(ModelOptions options) throws IOException {
        List<Long> bytes =
                memory.stream().map(size -> Bytes.parse("--memory", size)).toList();
        if (bytes.size() == 1) {
            bytes = Collections.nCopies(options.devices().size(), bytes.getFirst());
        }
        if (shape != null && model != null) {
            throw new IllegalArgumentException("--shape and -m both say which model; leave one out");
        }
        if (shape != null) {
            return ModelPlan.ofShape(shape, options, bytes);
        }
        return model == null ? ModelPlan.ofDemo(options, bytes) : ModelPlan.of(model, options, bytes);
    }
}
