package dev.nibble.evaluation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GoldenData;
import dev.nibble.LanguageModel;
import dev.nibble.ModelFile;
import dev.nibble.ModelOptions;
import dev.nibble.device.Arithmetic;
import dev.nibble.device.ProductInput;
import dev.nibble.device.WeightShape;
import dev.nibble.gguf.TensorType;
import dev.nibble.quant.Importance;
import dev.nibble.quant.Importance.ColumnSums;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a calibration notes of the columns of real models. */
final class CalibrationTest {
    private static final int WINDOW = 48;
    private static final int WINDOWS = 6;

    @TempDir
    private Path folder;

    private Map<String, ColumnSums> calibrate(LanguageModel model, Calibration calibration) throws IOException {
        TextWindows windows = TextWindows.of(model, SampleText.readCalibration(), WINDOW, WINDOWS);
        calibration.read(model, windows, "a text", done -> {});
        Path file = folder.resolve("importance.gguf");
        calibration.write(file);
        Importance importance = Importance.read(file);
        assertEquals(List.of("a text"), importance.datasets());
        assertEquals(WINDOWS, importance.chunks());
        assertEquals(WINDOW, importance.chunkSize());
        return importance.tensors();
    }

    private static ModelOptions.Builder exact(Calibration calibration) {
        return ModelOptions.builder()
                .devices("reference")
                .arithmetic(Arithmetic.EXACT)
                .observer(calibration);
    }

    private static float[] decode(ModelFile file, String tensor) {
        List<float[]> pieces = new ArrayList<>();
        file.decode(tensor, pieces::add);
        int length = pieces.stream().mapToInt(piece -> piece.length).sum();
        float[] values = new float[length];
        int at = 0;
        for (float[] piece : pieces) {
            System.arraycopy(piece, 0, values, at, piece.length);
            at += piece.length;
        }
        return values;
    }

    /** Into the first layer go the normalised embeddings of the tokens, whatever the rest of the model does. */
    @Test
    void theFirstLayerMeetsTheNormalisedEmbeddings() throws IOException {
        Calibration calibration = new Calibration();
        try (LanguageModel model = LanguageModel.openDemo(exact(calibration).build());
                ModelFile file = ModelFile.openDemo()) {
            Map<String, ColumnSums> tensors = calibrate(model, calibration);
            float[] table = decode(file, "token_embd.weight");
            float[] norm = decode(file, "blk.0.attn_norm.weight");
            double[] wanted = new double[norm.length];
            TextWindows windows = TextWindows.of(model, SampleText.readCalibration(), WINDOW, WINDOWS);
            for (int window = 0; window < WINDOWS; window++) {
                for (int token : windows.window(window)) {
                    addNormalised(table, token * norm.length, norm, wanted);
                }
            }
            for (String name : new String[] {"blk.0.attn_q.weight", "blk.0.attn_k.weight", "blk.0.attn_v.weight"}) {
                ColumnSums sums = tensors.get(name);
                assertEquals(WINDOW * WINDOWS, sums.counts()[0]);
                for (int i = 0; i < wanted.length; i++) {
                    assertEquals(wanted[i], sums.sums()[i], 1e-4 * wanted[i], name + ", column " + i);
                }
            }
            everyMatrixIsKnown(model, file, tensors);
        }
    }

    private static void addNormalised(float[] table, int row, float[] norm, double[] sums) {
        double squares = 0;
        for (int i = 0; i < norm.length; i++) {
            squares += table[row + i] * (double) table[row + i];
        }
        for (int i = 0; i < norm.length; i++) {
            double value = table[row + i] / Math.sqrt(squares / norm.length + 1e-5) * norm[i];
            sums[i] += value * value;
        }
    }

    private static void everyMatrixIsKnown(LanguageModel model, ModelFile file, Map<String, ColumnSums> tensors) {
        int matrices = 0;
        for (ModelFile.Tensor tensor : file.tensors()) {
            boolean multiplied =
                    tensor.dimensions().size() == 2 && !tensor.name().equals("token_embd.weight");
            assertEquals(multiplied, tensors.containsKey(tensor.name()), tensor.name());
            if (multiplied) {
                matrices++;
                assertEquals(
                        (long) tensor.dimensions().getFirst(),
                        tensors.get(tensor.name()).columns());
            }
        }
        assertTrue(matrices >= 4 * 7, "matrices: " + matrices);
    }

    /** The CPU's activations are those of the reference but for int8; and it sees no row twice and misses none. */
    @Test
    void devicesAgree() throws IOException {
        Calibration onReference = new Calibration();
        Calibration onCpu = new Calibration();
        Map<String, ColumnSums> wanted;
        Map<String, ColumnSums> found;
        try (LanguageModel model = LanguageModel.openDemo(exact(onReference).build())) {
            wanted = calibrate(model, onReference);
        }
        try (LanguageModel model =
                LanguageModel.openDemo(ModelOptions.builder().observer(onCpu).build())) {
            found = calibrate(model, onCpu);
        }
        assertEquals(wanted.keySet(), found.keySet());
        for (String name : wanted.keySet()) {
            assertEquals(wanted.get(name).counts()[0], found.get(name).counts()[0]);
            assertClose(wanted.get(name).sums(), found.get(name).sums(), 0.02, name);
        }
    }

    private static void assertClose(float[] wanted, float[] found, double tolerance, String name) {
        double error = 0;
        double power = 0;
        for (int i = 0; i < wanted.length; i++) {
            error += Math.pow(wanted[i] - found[i], 2);
            power += Math.pow(wanted[i], 2);
        }
        assertTrue(error <= tolerance * tolerance * power, name + ": " + Math.sqrt(error / power));
    }

    /** Each token goes to two of four experts, which meet the rows that the router meets. */
    @Test
    void expertsAreCountedApart() throws IOException {
        Path path = GoldenData.path("models/random-llama-moe-q8_0.gguf");
        Calibration calibration = new Calibration();
        try (LanguageModel model = LanguageModel.open(path, exact(calibration).build())) {
            Map<String, ColumnSums> tensors = calibrate(model, calibration);
            ColumnSums router = tensors.get("blk.1.ffn_gate_inp.weight");
            ColumnSums up = tensors.get("blk.1.ffn_up_exps.weight");
            assertEquals(4, up.experts());
            double rows = 0;
            double[] sums = new double[up.columns()];
            for (int expert = 0; expert < 4; expert++) {
                rows += up.counts()[expert];
                assertTrue(up.counts()[expert] > 0 && up.counts()[expert] < WINDOW * WINDOWS);
                assertEquals(
                        up.counts()[expert],
                        tensors.get("blk.1.ffn_down_exps.weight").counts()[expert]);
                for (int i = 0; i < sums.length; i++) {
                    sums[i] += up.sums()[expert * sums.length + i];
                }
            }
            assertEquals(2 * WINDOW * WINDOWS, rows);
            for (int i = 0; i < sums.length; i++) {
                assertEquals(2.0 * router.sums()[i], sums[i], 1e-5 * sums[i]);
            }
        }
    }

    @Test
    void squaresAreSummedWhereTheyBelong() throws IOException {
        Calibration calibration = new Calibration();
        WeightShape weight = new WeightShape("w", TensorType.F32, 3, 1, 2);
        calibration.observe(new ProductInput(List.of(weight), 2, new int[] {2, 0, 2, 0}, 2, new float[] {1, 2, -3, 4}));
        calibration.observe(new ProductInput(List.of(weight), 2, new int[] {0}, 1, new float[] {5, 0}));
        assertEquals(2, calibration.matrices());
        assertEquals(1, calibration.unmet());
        Path file = folder.resolve("small.gguf");
        calibration.write(file);
        ColumnSums sums = Importance.read(file).tensors().get("w");
        assertEquals(List.of(35f, 20f, 0f, 0f, 10f, 20f), list(sums.sums()));
        assertEquals(List.of(3f, 0f, 2f), list(sums.counts()));
    }

    private static List<Float> list(float[] values) {
        List<Float> list = new ArrayList<>();
        for (float value : values) {
            list.add(value);
        }
        return list;
    }

    @Test
    void activationsThatAreNoNumbersAreRefusedByName() throws IOException {
        Calibration calibration = new Calibration();
        WeightShape weight = new WeightShape("blk.7.ffn_up.weight", TensorType.F32, 1, 1, 2);
        calibration.observe(new ProductInput(List.of(weight), 2, new int[] {0}, 1, new float[] {1, Float.NaN}));
        Path file = folder.resolve("none.gguf");
        IOException refusal = assertThrows(IOException.class, () -> calibration.write(file));
        assertTrue(refusal.getMessage().contains("blk.7.ffn_up.weight"), refusal.getMessage());
        try (var left = Files.list(folder)) {
            assertEquals(0, left.count());
        }
    }
}
