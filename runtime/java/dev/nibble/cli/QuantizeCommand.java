package dev.nibble.cli;

import dev.nibble.ModelQuantizer;
import dev.nibble.ModelQuantizer.Tensor;
import dev.nibble.QuantizationOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code nibble quantize}: a smaller model file of a large one. */
@Command(
        name = "quantize",
        description = "Writes a model file anew with fewer bits per weight.",
        footer = {
            "",
            "Types: f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, iq4_nl, iq4_xs, q6_k and the mixes q2_k, q2_k_s,",
            "q3_k_s, q3_k_m, q3_k_l, q4_k_s, q4_k_m, q5_k_s, q5_k_m, which give more bits to the matrices that need",
            "them; q3_k, q4_k and q5_k are their _m. Vectors, norms and routers keep their types."
        })
final class QuantizeCommand implements Callable<Integer> {
    private static final double BITS = 8;
    private static final double NANOS = 1e9;

    @ParentCommand
    private Nibble nibble;

    @Mixin
    private CommonOptions common;

    @Parameters(index = "0", paramLabel = "IN", description = "The GGUF file; of a split model any part.")
    private Path source;

    @Parameters(index = "1", paramLabel = "OUT", description = "The file to write; one of this name is replaced.")
    private Path target;

    @Option(
            names = {"-t", "--type"},
            required = true,
            paramLabel = "T",
            description = "What to quantize to: see below.")
    private String type;

    @Option(names = "--pure", description = "Give all matrices that type, without the exceptions of the mix.")
    private boolean pure;

    @Option(
            names = "--tensor-type",
            paramLabel = "PATTERN=T",
            description = {
                "Give matrices in whose names this regular expression is found another type, as in ffn_down=q6_k.",
                "Repeatable; the first that matches decides."
            })
    private List<String> tensorTypes = List.of();

    @Option(
            names = {"--output-tensor-type", "--output-type"},
            paramLabel = "T",
            description = "The type of the output matrix.")
    private @Nullable String outputType;

    @Option(names = "--token-embedding-type", paramLabel = "T", description = "The type of the token embedding.")
    private @Nullable String tokenEmbeddingType;

    @Option(
            names = {"--importance", "--imatrix"},
            paramLabel = "FILE",
            description = "How much each column matters, as nibble calibrate or llama-imatrix writes it (GGUF).")
    private @Nullable Path importance;

    @Option(names = "--allow-requantize", description = "Quantize also what is quantized already; the errors add up.")
    private boolean allowRequantize;

    @Option(names = "--dry-run", description = "Only show what would become of each tensor.")
    private boolean dryRun;

    @Option(names = "--threads", paramLabel = "N", description = "Threads; by default one per processor.")
    private @Nullable Integer threads;

    @Override
    public Integer call() throws IOException {
        try (ModelQuantizer quantizer = ModelQuantizer.open(source, options())) {
            quantizer.notes().forEach(note -> nibble.terminal().note("note: " + note));
            long start = System.nanoTime();
            if (!dryRun) {
                write(quantizer);
            }
            report(quantizer.tensors(), (System.nanoTime() - start) / NANOS);
        }
        return ExitStatus.DONE.code();
    }

    private QuantizationOptions options() {
        if (threads != null && threads < 1) {
            throw new IllegalArgumentException("--threads must be 1 or more; given " + threads);
        }
        return new QuantizationOptions(
                type,
                pure,
                outputType,
                tokenEmbeddingType,
                tensorTypes,
                importance,
                allowRequantize,
                threads == null ? 0 : threads);
    }

    private void write(ModelQuantizer quantizer) throws IOException {
        nibble.interruption().cancelWith(Thread.currentThread()::interrupt);
        ProgressBar bar = new ProgressBar(nibble.terminal(), "quantizing");
        try {
            quantizer.write(target, bar::update);
        } finally {
            bar.clear();
        }
    }

    private void report(List<Tensor> tensors, double seconds) {
        if (common.json()) {
            nibble.terminal().println(Json.write(json(tensors, seconds)));
        } else if (dryRun) {
            nibble.terminal().print(table(tensors).text() + "\n" + summary(tensors) + "\n");
        } else {
            nibble.terminal().note(String.format(Locale.ROOT, "%s in %.1f s", summary(tensors), seconds));
        }
    }

    private String summary(List<Tensor> tensors) {
        long bytes = tensors.stream().mapToLong(Tensor::bytes).sum();
        long newBytes = tensors.stream().mapToLong(Tensor::newBytes).sum();
        String types = types(tensors).entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .collect(Collectors.joining(", "));
        return String.format(
                Locale.ROOT,
                "%s: %s of %s, %.2f bits per weight (%s)",
                target,
                Bytes.text(newBytes),
                Bytes.text(bytes),
                BITS * newBytes / Math.max(1, values(tensors)),
                types);
    }

    private static long values(List<Tensor> tensors) {
        return tensors.stream()
                .mapToLong(tensor -> tensor.dimensions().stream().reduce(1L, (a, b) -> a * b))
                .sum();
    }

    /** How many tensors will be of each type. */
    private static Map<String, Long> types(List<Tensor> tensors) {
        return tensors.stream()
                .collect(Collectors.groupingBy(
                        tensor -> tensor.newType().toLowerCase(Locale.ROOT), TreeMap::new, Collectors.counting()));
    }

    private Map<String, Object> json(List<Tensor> tensors, double seconds) {
        long newBytes = tensors.stream().mapToLong(Tensor::newBytes).sum();
        return Json.object(
                "file",
                target.toString(),
                "type",
                type.toLowerCase(Locale.ROOT),
                "written",
                !dryRun,
                "bytes",
                tensors.stream().mapToLong(Tensor::bytes).sum(),
                "new_bytes",
                newBytes,
                "bits_per_weight",
                BITS * newBytes / Math.max(1, values(tensors)),
                "seconds",
                seconds,
                "tensors",
                tensors.stream()
                        .map(tensor -> Json.object(
                                "name", tensor.name(),
                                "dimensions", tensor.dimensions(),
                                "type", tensor.type().toLowerCase(Locale.ROOT),
                                "new_type", tensor.newType().toLowerCase(Locale.ROOT),
                                "bytes", tensor.bytes(),
                                "new_bytes", tensor.newBytes()))
                        .toList());
    }

    private static Table table(List<Tensor> tensors) {
        Table table = new Table("name", "type", "new type", ">bytes", ">new bytes");
        for (Tensor tensor : tensors) {
            table.row(
                    tensor.name(),
                    tensor.type().toLowerCase(Locale.ROOT),
                    tensor.newType().toLowerCase(Locale.ROOT),
                    String.valueOf(tensor.bytes()),
                    String.valueOf(tensor.newBytes()));
        }
        return table;
    }
}
