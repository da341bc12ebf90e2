package dev.nibble.cli;

import dev.nibble.ModelFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code nibble inspect}: what a model file holds. */
@Command(name = "inspect", description = "Shows the metadata and the tensors of a model file, or decodes one tensor.")
final class InspectCommand implements Callable<Integer> {
    private static final int SHOWN_CHARACTERS = 100;
    private static final int SHOWN_ELEMENTS = 6;
    private static final double BITS = 8;

    @ParentCommand
    private Nibble nibble;

    @Mixin
    private CommonOptions common;

    @Parameters(
            arity = "0..1",
            paramLabel = "FILE",
            description = "The GGUF file; by default the model that comes with the program.")
    private @Nullable Path path;

    @ArgGroup(exclusive = false)
    private @Nullable Extraction extraction;

    /** One tensor to decode. */
    static final class Extraction {
        @Option(names = "--tensor", required = true, paramLabel = "NAME", description = "Decode this tensor ...")
        private String tensor;

        @Option(
                names = "--values",
                required = true,
                paramLabel = "OUT",
                description = "... to this file of little-endian float32 values.")
        private Path values;
    }

    /** All tensors of one type. */
    private record TypeSum(int tensors, long values, long bytes) {
        TypeSum plus(TypeSum other) {
            return new TypeSum(tensors + other.tensors, values + other.values, bytes + other.bytes);
        }

        double bitsPerValue() {
            return values == 0 ? 0 : BITS * bytes / values;
        }
    }

    @Override
    public Integer call() throws IOException {
        try (ModelFile file = path == null ? ModelFile.openDemo() : ModelFile.open(path)) {
            if (extraction != null) {
                extract(file, extraction);
            } else if (common.json()) {
                nibble.terminal().println(Json.write(json(file)));
            } else {
                nibble.terminal().print(text(file));
            }
        }
        return ExitStatus.DONE.code();
    }

    private void extract(ModelFile file, Extraction wanted) throws IOException {
        ModelFile.Tensor tensor = file.tensors().stream()
                .filter(candidate -> candidate.name().equals(wanted.tensor))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "there is no tensor '" + wanted.tensor + "' in the file; inspect without --tensor lists them"));
        try (FloatFile out = FloatFile.create(wanted.values)) {
            file.decode(tensor.name(), out::write);
        }
        if (common.json()) {
            nibble.terminal().println(Json.write(json(tensor)));
        } else {
            nibble.terminal().note(wanted.values + ": " + tensor.values() + " values of " + tensor.name());
        }
    }

    private static Map<String, Object> json(ModelFile file) {
        Map<String, Object> types = Json.object();
        sums(file)
                .forEach((type, sum) -> types.put(
                        type,
                        Json.object(
                                "tensors", sum.tensors(),
                                "values", sum.values(),
                                "bytes", sum.bytes(),
                                "bits_per_value", sum.bitsPerValue())));
        Map<String, Object> metadata = Json.object();
        file.metadata().forEach((key, value) -> metadata.put(key, value.value()));
        return Json.object(
                "version", file.version(),
                "file_bytes", file.fileBytes(),
                "metadata", metadata,
                "tensors", file.tensors().stream().map(InspectCommand::json).toList(),
                "types", types);
    }

    private static Map<String, Object> json(ModelFile.Tensor tensor) {
        return Json.object(
                "name", tensor.name(),
                "type", tensor.type().toLowerCase(Locale.ROOT),
                "dimensions", tensor.dimensions(),
                "values", tensor.values(),
                "bytes", tensor.bytes());
    }

    private static Map<String, TypeSum> sums(ModelFile file) {
        Map<String, TypeSum> sums = new TreeMap<>();
        for (ModelFile.Tensor tensor : file.tensors()) {
            TypeSum one = new TypeSum(1, tensor.values(), tensor.bytes());
            sums.merge(tensor.type().toLowerCase(Locale.ROOT), one, TypeSum::plus);
        }
        return sums;
    }

    private static String text(ModelFile file) {
        Map<String, TypeSum> sums = sums(file);
        TypeSum all = sums.values().stream().reduce(new TypeSum(0, 0, 0), TypeSum::plus);
        return "GGUF version " + file.version() + ", " + Bytes.text(file.fileBytes()) + ", " + all.tensors()
                + " tensors, " + all.values() + " values\n\nMetadata\n"
                + metadataTable(file).text()
                + "\nTensors\n"
                + tensorTable(file).text()
                + "\nSizes by type\n"
                + typeTable(sums, all).text();
    }

    private static Table metadataTable(ModelFile file) {
        Table table = new Table("key", "type", "value");
        file.metadata().forEach((key, value) -> table.row(key, value.type(), shortened(value.value())));
        return table;
    }

    private static Table tensorTable(ModelFile file) {
        Table table = new Table("name", "type", "dimensions", ">bytes");
        for (ModelFile.Tensor tensor : file.tensors()) {
            String dimensions =
                    tensor.dimensions().stream().map(String::valueOf).collect(Collectors.joining(" x "));
            table.row(
                    tensor.name(), tensor.type().toLowerCase(Locale.ROOT), dimensions, String.valueOf(tensor.bytes()));
        }
        return table;
    }

    private static Table typeTable(Map<String, TypeSum> sums, TypeSum all) {
        Table table = new Table("type", ">tensors", ">values", ">bytes", ">bits per value");
        List<Map.Entry<String, TypeSum>> rows = new ArrayList<>(sums.entrySet());
        rows.add(Map.entry("all", all));
        for (Map.Entry<String, TypeSum> row : rows) {
            TypeSum sum = row.getValue();
            table.row(
                    row.getKey(),
                    String.valueOf(sum.tensors()),
                    String.valueOf(sum.values()),
                    String.valueOf(sum.bytes()),
                    String.format(Locale.ROOT, "%.2f", sum.bitsPerValue()));
        }
        return table;
    }

    private static String shortened(Object value) {
        if (value instanceof List<?> list) {
            String first = list.stream()
                    .limit(SHOWN_ELEMENTS)
                    .map(InspectCommand::shortened)
                    .collect(Collectors.joining(", "));
            return list.size() <= SHOWN_ELEMENTS
                    ? "[" + first + "]"
                    : "[" + first + ", ...] (" + list.size() + " elements)";
        }
        String text = Escapes.visible(value.toString());
        return text.length() <= SHOWN_CHARACTERS
                ? text
                : text.substring(0, SHOWN_CHARACTERS) + "... (" + text.length() + " characters)";
    }
}
