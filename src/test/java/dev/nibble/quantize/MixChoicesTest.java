package dev.nibble.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.gguf.GgufFile;
import dev.nibble.quant.Importance;
import dev.nibble.quant.Importance.ColumnSums;
import dev.nibble.quantize.QuantizationPlan.ImportanceFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every mix gives every matrix of models of many shapes the type that llama-quantize gives it, with importance and without. */
class MixChoicesTest {
    @TempDir
    Path folder;

    /** Shapes that mixes care about: layers, shared heads, experts, tied output, rows that do not divide into blocks. */
    enum Shape {
        DENSE32("llama", 32, 4, 4, 0, true, 256),
        SHARED16("llama", 16, 4, 1, 0, false, 256),
        LARGE80("llama", 80, 8, 1, 0, true, 256),
        LARGE80ALONE("llama", 80, 4, 4, 0, true, 256),
        LARGE126("llama", 126, 16, 1, 0, true, 256),
        EXPERTS8("llama", 32, 4, 1, 8, true, 256),
        EXPERTS128("qwen3moe", 48, 8, 1, 128, true, 256),
        QWEN2_80ALONE("qwen2", 80, 4, 4, 0, true, 256),
        ODD288("llama", 9, 4, 4, 0, true, 288);

        private final String architecture;
        private final int layers;
        private final int heads;
        private final int kvHeads;
        private final int experts;
        private final boolean output;
        private final int width;

        Shape(String architecture, int layers, int heads, int kvHeads, int experts, boolean output, int width) {
            this.architecture = architecture;
            this.layers = layers;
            this.heads = heads;
            this.kvHeads = kvHeads;
            this.experts = experts;
            this.output = output;
            this.width = width;
        }

        String id() {
            return name().toLowerCase(Locale.ROOT);
        }

        FloatModel model() {
            FloatModel model = new FloatModel(width);
            model.metadata()
                    .string("general.architecture", architecture)
                    .uint32(architecture + ".block_count", layers)
                    .uint32(architecture + ".attention.head_count", heads)
                    .uint32(architecture + ".attention.head_count_kv", kvHeads);
            if (experts > 0) {
                model.metadata().uint32(architecture + ".expert_count", experts);
            }
            if (output) {
                model.tensor("output.weight", width, 2);
            }
            for (int layer = 0; layer < layers; layer++) {
                for (String kind : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
                    model.tensor(name(kind, layer), width, 2);
                }
                for (String kind : List.of("ffn_gate", "ffn_up", "ffn_down")) {
                    if (experts > 0) {
                        model.tensor(name(kind, layer), width, 2, 2);
                    } else {
                        model.tensor(name(kind, layer), width, 2);
                    }
                }
            }
            return model;
        }

        String name(String kind, int layer) {
            return "blk." + layer + "." + kind + (experts > 0 && kind.startsWith("ffn") ? "_exps" : "") + ".weight";
        }
    }

    @ParameterizedTest
    @EnumSource
    void typesAreThoseOfLlamaQuantize(Shape shape) throws IOException {
        Path path = shape.model().write(folder.resolve("model.gguf"));
        List<String[]> rows = rows();
        String[] columns = rows.getFirst();
        int compared = 0;
        try (GgufFile file = GgufFile.open(path)) {
            for (String[] row : rows) {
                if (row[0].equals(shape.id())) {
                    compare(shape, columns, row, types(file, Mix.ofId(row[1]), row[2].equals("1")));
                    compared++;
                }
            }
        }
        assertTrue(compared > Mix.values().length, compared + " rows");
    }

    @Test
    void everyMixIsCompared() throws IOException {
        Set<Mix> compared = EnumSet.noneOf(Mix.class);
        rows().stream().skip(1).forEach(row -> compared.add(Mix.ofId(row[1])));
        assertEquals(EnumSet.complementOf(EnumSet.of(Mix.F32)), compared);
    }

    private static void compare(Shape shape, String[] columns, String[] row, Map<String, String> types) {
        for (int column = 3; column < row.length; column++) {
            String kind = columns[column];
            boolean layered = kind.startsWith("attn_") || kind.startsWith("ffn_");
            List<String> expected = expand(row[column], layered ? shape.layers : 1);
            for (int layer = 0; layer < expected.size(); layer++) {
                String name = layered ? shape.name(kind, layer) : kind + ".weight";
                assertEquals(expected.get(layer), types.get(name), String.join(" ", row[0], row[1], row[2], name));
            }
        }
    }

    /** {@code a*2 b} is a a b; one type alone stands for all layers. */
    private static List<String> expand(String text, int layers) {
        if (text.isEmpty()) {
            return List.of();
        }
        if (text.indexOf('*') < 0 && text.indexOf(' ') < 0) {
            return Collections.nCopies(layers, text);
        }
        List<String> types = new ArrayList<>();
        for (String run : text.split(" ")) {
            String[] parts = run.split("\\*");
            types.addAll(Collections.nCopies(parts.length == 1 ? 1 : Integer.parseInt(parts[1]), parts[0]));
        }
        assertEquals(layers, types.size(), text);
        return types;
    }

    private static Map<String, String> types(GgufFile file, Mix mix, boolean weighted) {
        Recipe recipe = new Recipe(mix, false, null, null, List.of(), false);
        Map<String, String> types = new HashMap<>();
        QuantizationPlan.of(file, recipe, weighted ? importance(file) : null)
                .tensors()
                .forEach(tensor -> types.put(tensor.source().name(), Recipe.id(tensor.type())));
        return types;
    }

    private static ImportanceFile importance(GgufFile file) {
        Map<String, ColumnSums> sums = new HashMap<>();
        file.tensors().stream()
                .filter(tensor -> tensor.name().startsWith("blk."))
                .forEach(tensor -> {
                    float[] ones = new float[(int) (tensor.columns() * tensor.matrices())];
                    Arrays.fill(ones, 1);
                    float[] counts = new float[(int) tensor.matrices()];
                    Arrays.fill(counts, 1);
                    sums.put(tensor.name(), new ColumnSums(ones, counts));
                });
        return new ImportanceFile(Path.of("importance.gguf"), new Importance(sums, List.of("text"), 1, 1));
    }

    private static List<String[]> rows() throws IOException {
        try (InputStream csv = MixChoicesTest.class.getResourceAsStream("mixes.csv")) {
            String text = new String(csv.readAllBytes(), StandardCharsets.UTF_8);
            try (Stream<String> lines = text.lines()) {
                return lines.filter(line -> !line.startsWith("#"))
                        .map(line -> line.split(",", -1))
                        .toList();
            }
        }
    }
}
